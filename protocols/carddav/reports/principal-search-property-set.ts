import { CALENDARSERVER, DAV, DECLARATIONS, element, type QName } from '../names.ts'
import type { Report } from './report.ts'

/** What people are found by: the properties, and what of a person they hold. */
export const SEARCHABLE: ReadonlyMap<QName, { readonly field: 'name' | 'email'; readonly description: string }> =
  new Map([
    [DAV('displayname'), { field: 'name', description: 'Name' }],
    [CALENDARSERVER('email-address-set'), { field: 'email', description: 'E-mail address' }],
  ])

/** RFC 3744 §9.5 */
export const principalSearchPropertySet: Report = {
  name: DAV('principal-search-property-set'),
  on: ['principals'],
  depth: '0',
  run: async () => {
    const properties = [...SEARCHABLE].map(([name, { description }]) =>
      element(
        DAV('principal-search-property'),
        `${element(DAV('prop'), element(name))}<D:description xml:lang="en">${description}</D:description>`,
      ),
    )
    const root = 'D:principal-search-property-set'
    return `<?xml version="1.0" encoding="utf-8"?>\n<${root}${DECLARATIONS}>${properties.join('')}</${root}>`
  },
}
