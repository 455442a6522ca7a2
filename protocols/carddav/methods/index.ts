import type { FastifyReply } from 'fastify'
import { copy, move } from './copy-move.ts'
import type { Exchange, Method, XmlBodies } from './exchange.ts'
import { lock, unlock } from './lock.ts'
import { mkcol } from './mkcol.ts'
import { get, post, put, remove } from './object.ts'
import { propfind } from './propfind.ts'
import { proppatch } from './proppatch.ts'
import { report } from './report.ts'

/** RFC 4918 §10.1, RFC 3744 §7.2, RFC 6352 §6.1: the plugin has said it in the head. */
export const options = async ({ reply }: Exchange): Promise<FastifyReply> => reply.code(204).send()

/** Every method that is served, in the order that Allow tells them. */
export const methods = (bodies: XmlBodies): Readonly<Record<string, Method>> => ({
  PROPFIND: propfind(bodies),
  PROPPATCH: proppatch(bodies),
  REPORT: report(bodies),
  MKCOL: mkcol(bodies),
  GET: get,
  HEAD: get,
  PUT: put,
  POST: post,
  DELETE: remove,
  COPY: copy,
  MOVE: move,
  LOCK: lock(bodies),
  UNLOCK: unlock,
  OPTIONS: options,
})
