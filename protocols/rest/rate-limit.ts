import rateLimits from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from './problems.ts'

/** Counts a request of the person with that key. @throws Problem 429 */
export type Limit = (request: FastifyRequest, reply: FastifyReply, key: string) => Promise<void>

/** A burst is let through that a longer time makes up for. */
const WINDOW_S = 10

/** The headers are those of draft-ietf-httpapi-ratelimit-headers-09 §3 and §4: structured fields, of one policy. */
export async function rateLimited(scope: FastifyInstance, perSecond: number): Promise<Limit> {
  if (perSecond === 0) return async () => undefined
  const max = perSecond * WINDOW_S
  const keys = new WeakMap<FastifyRequest, string>()
  await scope.register(rateLimits, { global: false })
  const count = scope.createRateLimit({
    max,
    timeWindow: WINDOW_S * 1_000,
    keyGenerator: (request) => keys.get(request) ?? '',
  })
  return async (request, reply, key) => {
    keys.set(request, key)
    const counted = await count(request)
    if (counted.isAllowed) return
    const { remaining, ttlInSeconds, isExceeded } = counted
    reply.header('ratelimit-policy', `"person";q=${max};w=${WINDOW_S}`)
    reply.header('ratelimit', `"person";r=${remaining};t=${ttlInSeconds}`)
    if (!isExceeded) return
    const headers = { 'retry-after': String(ttlInSeconds) }
    throw new Problem(429, 'too-many-requests', `Too many requests: wait ${ttlInSeconds} s`, { headers })
  }
}
