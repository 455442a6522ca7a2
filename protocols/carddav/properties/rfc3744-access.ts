import { DAV, element } from '../names.ts'
import { ALL, flat, granted, privilegeElement, supportedPrivilege } from '../privileges.ts'
import { type Context, OPEN_KINDS, type Resource } from '../resources.ts'
import { principalHref } from '../urls.ts'
import { liveProperty } from './property.ts'

/** RFC 3744 §5.1: of what is a person's own; a directory has no owner, and its cards are shown as nobody's. */
export const owner = liveProperty({
  name: DAV('owner'),
  on: ['home', 'address-book', 'card'],
  allprop: false,
  read: (_, { actor }) => element(DAV('href'), principalHref(actor.userId)),
})

/** RFC 3744 §5.3 */
export const supportedPrivilegeSet = liveProperty({
  name: DAV('supported-privilege-set'),
  on: OPEN_KINDS,
  allprop: false,
  read: () => supportedPrivilege(ALL),
})

/** RFC 3744 §5.4 */
export const currentUserPrivilegeSet = liveProperty({
  name: DAV('current-user-privilege-set'),
  on: OPEN_KINDS,
  allprop: false,
  read: (resource) => flat(granted(resource)).map(privilegeElement).join(''),
})

/** Whom an entry is about: everybody who is let in, or (of what others cannot even find) the actor. */
function grantee(resource: Resource, { actor }: Context): string {
  const open = resource.kind === 'root' || resource.kind === 'principals' || resource.kind === 'homes'
  return open || resource.kind === 'directories'
    ? element(DAV('authenticated'))
    : element(DAV('href'), principalHref(actor.userId))
}

/** RFC 3744 §5.5: one entry, which nobody can change. */
export const acl = liveProperty({
  name: DAV('acl'),
  on: OPEN_KINDS,
  allprop: false,
  read: (resource, context) =>
    element(
      DAV('ace'),
      element(DAV('principal'), grantee(resource, context)) +
        element(DAV('grant'), granted(resource).map(privilegeElement).join('')) +
        element(DAV('protected')),
    ),
})

/** RFC 3744 §5.6 */
export const aclRestrictions = liveProperty({
  name: DAV('acl-restrictions'),
  on: OPEN_KINDS,
  allprop: false,
  read: () => element(DAV('grant-only')) + element(DAV('no-invert')),
})

/** RFC 3744 §5.7: what holds for a resource is said by its own list. */
export const inheritedAclSet = liveProperty({
  name: DAV('inherited-acl-set'),
  on: OPEN_KINDS,
  allprop: false,
  read: () => '',
})
