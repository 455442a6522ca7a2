import { resolve } from 'node:path'
import { isEmail } from '#vcard'
import { ISSUERS_EXPECTED, type Issuer, readIssuers } from './auth/issuers.ts'
import { type Exceptions, NO_EXCEPTIONS, readExceptions } from './outgoing/addresses.ts'
import type { MailFrom, SmtpSettings } from './outgoing/mail.ts'

/** Everything an operator sets, from the environment: read here and nowhere else. docs/settings.md lists them. */
export interface Config {
  readonly host: string
  readonly port: number
  /** Where people reach this server: an origin, without a path. */
  readonly publicUrl: string
  /** Absent: the embedded database in `dataDir`. */
  readonly databaseUrl?: string
  /** For migrations: a connection that no pooler shares. */
  readonly migrateDatabaseUrl?: string
  readonly databasePool: number
  readonly databasePrepare: boolean
  /** Sockets that are open at once; who comes after them is closed. */
  readonly maxConnections: number
  readonly dataDir: string
  readonly secretKey?: string
  /** Addresses or networks whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly string[]
  /** Whose access tokens open SCIM. */
  readonly issuers: readonly Issuer[]
  /** Whether somebody of an unknown e-mail domain makes an organization by signing in. */
  readonly organizationAutoCreate: boolean
  /** SCIM requests a second that one token may make, over ten seconds; 0: any number. */
  readonly scimRateLimit: number
  /** Hosts, addresses and networks that hooks may reach although they are private. */
  readonly outgoingAllow: Exceptions
  /** Requests to the JSON API a second that one person may make, over ten seconds; 0: any number. */
  readonly apiRateLimit: number
  /** What `scim-check` comes to a server with. */
  readonly scimToken?: string
  /** Absent: letters are printed. */
  readonly smtp?: SmtpSettings
  readonly logLevel: string
}

/** A setting that cannot be: the message names it and says what would do. */
export class ConfigError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>
type Reader<Value> = (text: string) => Value | undefined

function setting<Value>(
  environment: Environment,
  name: string,
  fallback: Value,
  expected: string,
  read: Reader<Value>,
): Value {
  const text = environment[name]?.trim()
  if (text === undefined || text === '') return fallback
  const value = read(text)
  if (value === undefined) throw new ConfigError(`${name} is "${shown(name, text)}", but must be ${expected}`)
  return value
}

const shown = (name: string, text: string): string =>
  /KEY|_URL|ISSUERS/.test(name) && name !== 'PUBLIC_URL' ? '…' : text

const integer =
  (from: number, to: number): Reader<number> =>
  (text) =>
    /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined

const flag: Reader<boolean> = (text) =>
  ({ on: true, true: true, '1': true, off: false, false: false, '0': false })[text.toLowerCase()]

const postgres: Reader<string> = (text) => (/^postgres(ql)?:\/\/\S+$/.test(text) ? text : undefined)

const origin: Reader<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain =
    url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username
  return plain ? url.origin : undefined
}

const smtpUrl: Reader<URL> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url && /^smtps?:$/.test(url.protocol) && url.hostname !== '' && /^\/?$/.test(url.pathname)
  return plain && !url.search && !url.hash ? url : undefined
}

/** `kith@example.org` or `Kith <kith@example.org>` */
const mailFrom: Reader<MailFrom> = (text) => {
  const [, name = '', named, bare = named] = /^(?:([^<>"\p{Cc}]*)<([^<>]+)>|([^<>]+))$/u.exec(text) ?? []
  return bare !== undefined && isEmail(bare) ? { name: name.trim(), address: bare } : undefined
}

function readSmtp(environment: Environment): SmtpSettings | undefined {
  const url = setting(
    environment,
    'SMTP_URL',
    undefined,
    'smtp://… or smtps://…, with user:password@ if need be',
    smtpUrl,
  )
  const from = setting(environment, 'MAIL_FROM', undefined, 'an e-mail address, or: Name <address>', mailFrom)
  const tls = setting(environment, 'SMTP_TLS', true, 'on or off', flag)
  if (!url) return undefined
  if (!from) throw new ConfigError('MAIL_FROM is needed with SMTP_URL: the address that letters come from')
  return { url, from, plain: !tls }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** @throws ConfigError that names the setting */
export function readConfig(environment: Environment): Config {
  const host = setting(environment, 'HOST', '127.0.0.1', 'an address or name to listen on', (text) =>
    /^[\w.:-]+$/.test(text) ? text : undefined,
  )
  const port = setting(environment, 'PORT', 8080, 'a port from 0 to 65535', integer(0, 65_535))
  const databaseUrl = setting(environment, 'DATABASE_URL', undefined, 'postgres://…', postgres)
  const migrateDatabaseUrl = setting(environment, 'MIGRATE_DATABASE_URL', undefined, 'postgres://…', postgres)
  const secretKey = setting(environment, 'SECRET_KEY', undefined, 'a random text of at least 32 characters', (text) =>
    text.length >= 32 ? text : undefined,
  )
  const scimToken = setting(environment, 'KITH_SCIM_TOKEN', undefined, 'a bearer token', (text) => text)
  const smtp = readSmtp(environment)
  const local = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    host,
    port,
    publicUrl: setting(environment, 'PUBLIC_URL', local, 'an origin such as https://kith.example.org', origin),
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(migrateDatabaseUrl ? { migrateDatabaseUrl } : {}),
    databasePool: setting(environment, 'DATABASE_POOL', 4, 'a number of connections from 1 to 100', integer(1, 100)),
    databasePrepare: setting(environment, 'DATABASE_PREPARE', true, 'on or off', flag),
    maxConnections: setting(
      environment,
      'MAX_CONNECTIONS',
      5_000,
      'a number of sockets from 1 to 1000000',
      integer(1, 1_000_000),
    ),
    dataDir: resolve(setting(environment, 'DATA_DIR', './data', 'a directory', (text) => text)),
    ...(secretKey ? { secretKey } : {}),
    trustedProxies: setting(environment, 'TRUSTED_PROXIES', [], 'addresses or networks with commas between', (text) => {
      const list = text.split(',').map((one) => one.trim())
      return list.every((one) => /^[0-9a-f.:]+(\/\d{1,3})?$/i.test(one)) ? list : undefined
    }),
    issuers: setting(environment, 'ISSUERS', [], ISSUERS_EXPECTED, readIssuers),
    organizationAutoCreate: setting(environment, 'ORGANIZATION_AUTO_CREATE', false, 'on or off', flag),
    scimRateLimit: setting(
      environment,
      'SCIM_RATE_LIMIT',
      5_000,
      'a number of requests a second from 0 to 100000',
      integer(0, 100_000),
    ),
    outgoingAllow: setting(
      environment,
      'OUTGOING_ALLOW',
      NO_EXCEPTIONS,
      'hosts, addresses or networks with commas between',
      readExceptions,
    ),
    apiRateLimit: setting(
      environment,
      'API_RATE_LIMIT',
      100,
      'a number of requests a second from 0 to 100000',
      integer(0, 100_000),
    ),
    ...(scimToken ? { scimToken } : {}),
    ...(smtp ? { smtp } : {}),
    logLevel: setting(environment, 'LOG_LEVEL', 'warn', `one of ${LOG_LEVELS.join(', ')}`, (text) =>
      LOG_LEVELS.includes(text) ? text : undefined,
    ),
  }
}
