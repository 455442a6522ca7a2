import { CALENDARSERVER, DAV, element } from '../names.ts'
import { type BookResource, type Context, type HomeResource, OPEN_KINDS } from '../resources.ts'
import { liveProperty } from './property.ts'

const token = (resource: BookResource | HomeResource, { addressBooks, actor }: Context): Promise<string> =>
  addressBooks.token(actor, resource.kind === 'home' ? actor.userId : resource.collection)

/** RFC 6578 §4 */
export const syncToken = liveProperty({
  name: DAV('sync-token'),
  on: ['address-book', 'home'],
  allprop: false,
  read: token,
})

/** CalendarServer's ctag: the same string, so that both tell the same. */
export const getctag = liveProperty({
  name: CALENDARSERVER('getctag'),
  on: ['address-book', 'home'],
  allprop: false,
  read: token,
})

/** RFC 3253 §3.1.5 */
export const supportedReportSet = liveProperty({
  name: DAV('supported-report-set'),
  on: OPEN_KINDS,
  allprop: false,
  read: ({ kind }, { reports }) =>
    reports
      .filter(({ on }) => on.includes(kind))
      .map(({ name }) => element(DAV('supported-report'), element(DAV('report'), element(name))))
      .join(''),
})
