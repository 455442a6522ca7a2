import { BlockList, isIP } from 'node:net'

/** What an operator lets hooks reach although it is private, or not over TLS: hosts, addresses and networks. */
export interface Exceptions {
  readonly hosts: ReadonlySet<string>
  readonly addresses: BlockList
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits ?? (isIP(address) === 6 ? 128 : 32)), family(address))
  }
  return list
}

/** IANA's special-purpose addresses (RFC 6890 and its registry), multicast, and the metadata service that is none of them. */
const REFUSED_4 = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16'],
])
/** Global unicast is all that IPv6 may be: that leaves out ::1, mapped and translated IPv4, ULA, link-local and multicast. */
const GLOBAL_6 = blockList(['2000::/3'])
const REFUSED_6 = blockList(['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'])

/** Whether it is an address of the public internet. */
export function isPublic(address: string): boolean {
  if (address.includes('%')) return false // a zone: of this machine's links
  // Node's lists hold an IPv4-mapped address for the IPv4 one; here it is none
  if (isIP(address) === 4) return !REFUSED_4.check(address, 'ipv4')
  return isIP(address) === 6 && GLOBAL_6.check(address, 'ipv6') && !REFUSED_6.check(address, 'ipv6')
}

export const isExcepted = ({ addresses }: Exceptions, address: string): boolean =>
  isIP(address) !== 0 && addresses.check(address, family(address))

/** The host of a URL as it is compared: in lower case, without brackets or the dot of the root. */
export const bareHost = ({ hostname }: URL): string =>
  hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')

const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*$/
const NETWORK = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/

/** Hosts, addresses or networks with commas between; undefined where one is none. */
export function readExceptions(text: string): Exceptions | undefined {
  const hosts = new Set<string>()
  const networks: string[] = []
  for (const one of text.split(',').map((part) => part.trim().toLowerCase())) {
    const [, address = '', bits] = NETWORK.exec(one) ?? []
    if (isIP(address) !== 0) {
      if (Number(bits ?? 0) > (isIP(address) === 6 ? 128 : 32)) return undefined
      networks.push(one)
    } else if (HOST.test(one) && !/^[\d.]+$/.test(one)) hosts.add(one)
    else return undefined
  }
  return { hosts, addresses: blockList(networks) }
}

export const NO_EXCEPTIONS: Exceptions = { hosts: new Set(), addresses: new BlockList() }
