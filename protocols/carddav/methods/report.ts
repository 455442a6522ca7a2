import type { FastifyReply } from 'fastify'
import { sendMultistatus } from '../multistatus.ts'
import { DAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { REPORTS } from '../reports/index.ts'
import { findCollection } from '../resources.ts'
import { type Exchange, notHere, type XmlBodies } from './exchange.ts'

/** RFC 3253 §3.6 */
export const report =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply, address } = exchange
    const root = bodies.read(exchange)
    if (!root) throw new DavError(400, 'A REPORT needs a body')
    if (address.kind === 'card') throw new DavError(403, 'Ask the book for reports', DAV('supported-report'))
    const resource = await findCollection(context, address)
    if (!resource) throw notHere()
    const wanted = REPORTS.find(({ name, on }) => name === root.name && on.includes(resource.kind))
    if (!wanted) throw new DavError(403, 'This report is not known here', DAV('supported-report'))
    if (context.prefer.minimal) reply.header('preference-applied', applied('minimal'))
    return await sendMultistatus(reply, await wanted.run(root, resource, context))
  }
