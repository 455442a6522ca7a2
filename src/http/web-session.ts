import type { FastifyRequest } from 'fastify'
import type { Actor } from '#domain'
import type { WebSessionService } from '../auth/web-sessions.ts'

/** Browsers take the prefix only with Secure, so over https alone. */
export const cookieName = (publicUrl: string): string => (publicUrl.startsWith('https:') ? '__Host-kith' : 'kith')

export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Whoever has signed in with this browser. It throws the DomainError `unavailable` where that cannot be told now. */
export function sessionAuthentication(sessions: WebSessionService, publicUrl: string) {
  const name = cookieName(publicUrl)
  return async (request: FastifyRequest): Promise<Actor | 'unauthorized'> => {
    const secret = cookieOf(request, name)
    return (secret === undefined ? undefined : await sessions.verify(secret)) ?? 'unauthorized'
  }
}

/** Whether a page of ours sent it: browsers say so with every POST. */
export function isOwnOrigin({ headers }: FastifyRequest, publicUrl: string): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  return site === undefined ? origin === publicUrl : site === 'same-origin' && (origin ?? publicUrl) === publicUrl
}
