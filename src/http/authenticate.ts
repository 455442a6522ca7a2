import type { FastifyRequest } from 'fastify'
import type { Actor, Bearer } from '#domain'
import type { AppPasswords } from '../auth/app-passwords.ts'
import { Failures } from '../auth/failures.ts'
import type { IssuerTokens } from '../auth/issuer-tokens.ts'
import type { ScimTokens } from '../auth/scim-tokens.ts'
import type { WebSessionService } from '../auth/web-sessions.ts'
import { isOwnOrigin, sessionAuthentication } from './web-session.ts'

/** RFC 7617: the user name ends at the first colon. */
export function basicCredentials(header: string | undefined): { username: string; password: string } | undefined {
  const match = /^Basic +([A-Za-z0-9+/=_-]{1,2000})$/i.exec(header ?? '')
  if (!match) return undefined
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0 || text.includes('\0')) return undefined
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Lets devices in by their app passwords. */
export function appPasswordAuthentication(appPasswords: AppPasswords) {
  const failures = new Failures()
  return async (request: FastifyRequest): Promise<Actor | 'unauthorized' | 'too-many-failures'> => {
    const credentials = basicCredentials(request.headers.authorization)
    if (!credentials) return 'unauthorized'
    const actor = await appPasswords.verify(credentials.username, credentials.password)
    if (actor) return actor
    return failures.note(credentials.username, request.ip) ? 'too-many-failures' : 'unauthorized'
  }
}

/** RFC 6750 §2.1; a token in the address or the body is not looked at. */
function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(header ?? '')?.[1]
}

/**
 * Lets identity providers in to SCIM by our tokens or those of a configured issuer, and people by their issuer's.
 * It throws the DomainError `unavailable` where that cannot be told now.
 */
export function bearerAuthentication(scimTokens: ScimTokens, issuerTokens: IssuerTokens) {
  return async (request: FastifyRequest): Promise<Bearer | 'unauthorized'> => {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined) return 'unauthorized'
    const bearer = (await scimTokens.verify(token)) ?? (await issuerTokens.verify(token, 'scim'))
    return bearer === undefined || 'missingScope' in bearer ? 'unauthorized' : bearer
  }
}

export interface ApiDoors {
  readonly scimTokens: ScimTokens
  readonly issuerTokens: IssuerTokens
  readonly webSessions: WebSessionService
}

/** RFC 9110 §9.2.1 */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * Lets people in to the JSON API: by a token of their issuer's, or by the session of the browser, which other sites can
 * have it send too. It throws the DomainError `unavailable` where that cannot be told now.
 */
export function apiAuthentication({ scimTokens, issuerTokens, webSessions }: ApiDoors, publicUrl: string) {
  const inSession = sessionAuthentication(webSessions, publicUrl)
  return async (
    request: FastifyRequest,
  ): Promise<Bearer | { readonly missingScope: string } | 'unauthorized' | 'cross-site'> => {
    if (request.headers.authorization !== undefined) {
      const token = bearerToken(request.headers.authorization)
      if (token === undefined) return 'unauthorized'
      return (await scimTokens.verify(token)) ?? (await issuerTokens.verify(token, 'api')) ?? 'unauthorized'
    }
    const actor = await inSession(request)
    if (actor === 'unauthorized') return actor
    if (!SAFE.has(request.method) && !isOwnOrigin(request, publicUrl)) return 'cross-site'
    return { kind: 'user', key: `user ${actor.userId}`, actor }
  }
}
