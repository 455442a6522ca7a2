import type { FastifyReply } from 'fastify'
import { sendMultistatus, XML_TYPE } from '../multistatus.ts'
import { DAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { REPORTS } from '../reports/index.ts'
import { findResource } from '../resources.ts'
import { type Exchange, header, notHere, type XmlBodies } from './exchange.ts'

/** RFC 3253 §3.6 */
export const report =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply, address } = exchange
    const root = bodies.read(exchange)
    if (!root) throw new DavError(400, 'A REPORT needs a body')
    const resource = await findResource(context, address, 'none')
    if (!resource) throw notHere()
    const wanted = REPORTS.find(({ name, on }) => name === root.name && on.includes(resource.kind))
    if (!wanted) throw new DavError(403, 'This report is not known here', DAV('supported-report'))
    if (wanted.depth === '0' && (header(exchange, 'depth')?.trim() ?? '0') !== '0') {
      throw new DavError(400, 'This report is asked for with Depth 0')
    }
    const answer = await wanted.run(root, resource, context)
    if (typeof answer === 'string') return reply.code(200).header('content-type', XML_TYPE).send(answer)
    if (context.prefer.minimal) reply.header('preference-applied', applied('minimal'))
    return await sendMultistatus(reply, answer)
  }
