import { copy, move } from './copy-move.ts'
import type { Method, XmlBodies } from './exchange.ts'
import { lock, unlock } from './lock.ts'
import { mkcol } from './mkcol.ts'
import { get, post, put, remove } from './object.ts'
import { propfind } from './propfind.ts'
import { proppatch } from './proppatch.ts'
import { report } from './report.ts'

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
  OPTIONS: async ({ reply }) => reply.code(204).send(),
})
