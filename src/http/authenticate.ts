import type { FastifyRequest } from 'fastify'
import type { Actor } from '#domain'
import type { AppPasswords } from '../auth/app-passwords.ts'
import { Failures } from '../auth/failures.ts'

/** RFC 7617: the user name ends at the first colon. */
function basicCredentials(header: string | undefined): { username: string; password: string } | undefined {
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
