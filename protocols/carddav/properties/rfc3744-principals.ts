import { CALENDARSERVER, DAV, element } from '../names.ts'
import type { Resource } from '../resources.ts'
import { PRINCIPALS, principalHref } from '../urls.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

const EVERYTHING = ['root', 'principals', 'homes', 'home', 'address-book', 'principal', 'card'] as const
const href = (path: string): string => element(DAV('href'), path)

/** RFC 5397 §3 */
export const currentUserPrincipal = liveProperty({
  name: DAV('current-user-principal'),
  on: EVERYTHING,
  allprop: false,
  read: (_, { actor }) => href(principalHref(actor.userId)),
})

/** RFC 3744 §4.2 */
export const principalUrl = liveProperty({
  name: DAV('principal-URL'),
  on: ['principal'],
  allprop: false,
  read: (principal) => href(principal.href),
})

/** RFC 3744 §5.8 */
export const principalCollectionSet = liveProperty({
  name: DAV('principal-collection-set'),
  on: EVERYTHING,
  allprop: false,
  read: () => href(PRINCIPALS),
})

/** RFC 3744 §5.1 */
export const owner = liveProperty({
  name: DAV('owner'),
  on: ['home', 'address-book', 'card'],
  allprop: false,
  read: (_, { actor }) => href(principalHref(actor.userId)),
})

/** Each privilege that holds, the aggregates with what they are made of: clients do not expand them. */
function privileges(resource: Resource): readonly string[] {
  const READ = ['read', 'read-current-user-privilege-set']
  switch (resource.kind) {
    case 'address-book':
      return [...READ, 'write', 'write-properties', 'write-content', 'bind', 'unbind']
    case 'card':
      return !resource.view.writable ? READ : [...READ, 'write', 'write-properties', 'write-content']
    default:
      return READ
  }
}

/** RFC 3744 §5.4 (§5.5 in its text: DAV:current-user-privilege-set) */
export const currentUserPrivilegeSet = liveProperty({
  name: DAV('current-user-privilege-set'),
  on: EVERYTHING,
  allprop: false,
  read: (resource) =>
    privileges(resource)
      .map((name) => element(DAV('privilege'), element(DAV(name))))
      .join(''),
})

/** CalendarServer's: the addresses that belong to a principal. */
export const emailAddressSet = liveProperty({
  name: CALENDARSERVER('email-address-set'),
  on: ['principal'],
  allprop: false,
  read: async (_, { actor, describe }) =>
    element(CALENDARSERVER('email-address'), escapeXml((await describe(actor)).email)),
})
