import { DAV, element } from './names.ts'
import { isShared, type Resource } from './resources.ts'

/** A privilege, with those it is made of (RFC 3744 §3.12). */
interface Privilege {
  readonly name: string
  readonly description: string
  readonly parts: readonly Privilege[]
}

const part = (name: string, description: string): Privilege => ({ name, description, parts: [] })

/** Every privilege there is. Access is fixed, so that none is about changing it. */
export const ALL: Privilege = {
  name: 'all',
  description: 'Everything',
  parts: [
    {
      name: 'read',
      description: 'Read',
      parts: [
        part('read-acl', 'See who may do what'),
        part('read-current-user-privilege-set', 'See what you may do yourself'),
      ],
    },
    {
      name: 'write',
      description: 'Change',
      parts: [
        part('write-properties', 'Keep properties beside it'),
        part('write-content', 'Change what it says'),
        part('bind', 'Put something into it'),
        part('unbind', 'Take something out of it'),
      ],
    },
  ],
}

/** A person's own: their home, their books, and the cards in them that they may write. */
export function granted(resource: Resource): readonly string[] {
  switch (resource.kind) {
    case 'home':
      return ['all']
    case 'address-book':
      return isShared(resource) ? ['read', 'write-content', 'unbind'] : ['all'] // layers and hides of one's own, no new cards
    case 'card':
      return resource.view.writable ? ['all'] : ['read', 'write-properties'] // a client may keep properties beside any card
    default:
      return ['read']
  }
}

/** The privileges, and all that they are made of: clients do not expand them. */
export function flat(names: readonly string[], tree: Privilege = ALL, inside = false): string[] {
  const holds = inside || names.includes(tree.name)
  return [...(holds ? [tree.name] : []), ...tree.parts.flatMap((one) => flat(names, one, holds))]
}

export const privilegeElement = (name: string): string => element(DAV('privilege'), element(DAV(name)))

/** RFC 3744 §5.3 */
export const supportedPrivilege = ({ name, description, parts }: Privilege): string =>
  element(
    DAV('supported-privilege'),
    `${privilegeElement(name)}<D:description xml:lang="en">${description}</D:description>${parts.map(supportedPrivilege).join('')}`,
  )
