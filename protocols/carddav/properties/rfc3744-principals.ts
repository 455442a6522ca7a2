import { DAV, element } from '../names.ts'
import { OPEN_KINDS } from '../resources.ts'
import { PRINCIPALS, principalHref } from '../urls.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

const href = (uri: string): string => element(DAV('href'), uri)

/** RFC 5397 §3 */
export const currentUserPrincipal = liveProperty({
  name: DAV('current-user-principal'),
  on: OPEN_KINDS,
  allprop: false,
  read: (_, { actor }) => href(principalHref(actor.userId)),
})

/** RFC 3744 §4.1 */
export const alternateUriSet = liveProperty({
  name: DAV('alternate-URI-set'),
  on: ['principal'],
  allprop: false,
  read: async (_, { me }) => href(escapeXml(`mailto:${encodeURI((await me()).email)}`)),
})

/** RFC 3744 §4.2 */
export const principalUrl = liveProperty({
  name: DAV('principal-URL'),
  on: ['principal', 'colleague'],
  allprop: false,
  read: (principal) => href(principal.href),
})

/** RFC 3744 §4.3: a person has no members. */
export const groupMemberSet = liveProperty({
  name: DAV('group-member-set'),
  on: ['principal'],
  allprop: false,
  read: () => '',
})

/** RFC 3744 §4.4: teams are cards, not principals. */
export const groupMembership = liveProperty({
  name: DAV('group-membership'),
  on: ['principal'],
  allprop: false,
  read: () => '',
})

/** RFC 3744 §5.8 */
export const principalCollectionSet = liveProperty({
  name: DAV('principal-collection-set'),
  on: OPEN_KINDS,
  allprop: false,
  read: () => href(PRINCIPALS),
})
