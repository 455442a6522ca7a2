import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '#domain'
import { FLOW_SECONDS, type WebLogin } from '../auth/web-login.ts'
import type { WebSessionService } from '../auth/web-sessions.ts'
import { html, page } from '../html.ts'
import { REFUSALS } from './sign-in-pages.ts'
import { cookieName, cookieOf, isOwnOrigin } from './web-session.ts'

/** Until there is a web app. */
const LANDING = '/api/docs'
const LINK_SCRIPT = `document.forms[0].elements.code.value = location.hash.slice(1)
history.replaceState(null, '', location.pathname)
`
const SECURITY = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const METHODS = {
  '/login': 'GET',
  '/login/callback': 'GET',
  '/login/link': 'GET, POST',
  '/login/link.js': 'GET',
  '/logout': 'POST',
  '/backchannel-logout': 'POST',
}

export interface SignInOptions {
  readonly webLogin: WebLogin
  readonly webSessions: WebSessionService
  readonly publicUrl: string
}

/** Signing in and out in a browser. */
export async function signIn(app: FastifyInstance, { webLogin, webSessions, publicUrl }: SignInOptions): Promise<void> {
  const session = cookieName(publicUrl)
  const flow = `${session}-login`
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${publicUrl.startsWith('https:') ? '; Secure' : ''}`
  const clear = (name: string) => `${name}=; Max-Age=0${attributes}`
  const show = (reply: FastifyReply, status: number, title: string, body: ReturnType<typeof html>) =>
    reply.code(status).type('text/html; charset=utf-8').send(page(title, body))
  const refuse = (reply: FastifyReply, words: string, status = 403) =>
    show(reply, status, 'You are not signed in', html`<p>${words}</p><p><a href="/login">Try again</a></p>`)
  const begin = async (reply: FastifyReply, issuer: string) => {
    const { url, flow: sealed } = await webLogin.begin(issuer)
    return reply.header('set-cookie', `${flow}=${sealed}; Max-Age=${FLOW_SECONDS}${attributes}`).redirect(url, 302)
  }
  const letIn = async (request: FastifyRequest, reply: FastifyReply, secret: string) => {
    const old = cookieOf(request, session)
    if (old !== undefined) await webSessions.end(old)
    return reply.header('set-cookie', [`${session}=${secret}${attributes}`, clear(flow)]).redirect(LANDING, 303)
  }
  const field = ({ body }: FastifyRequest, name: string) =>
    new URLSearchParams(typeof body === 'string' ? body : '').get(name) ?? ''

  app.removeAllContentTypeParsers()
  const options = { parseAs: 'string', bodyLimit: 32_768 } as const
  app.addContentTypeParser('application/x-www-form-urlencoded', options, (_, body, done) => done(null, body))
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(SECURITY)
  })
  app.setErrorHandler((error, _, reply) => {
    if (error instanceof DomainError && error.code === 'not-found') return refuse(reply, error.message, 404)
    if (error instanceof DomainError && error.code === 'unavailable') {
      return refuse(reply.header('retry-after', '2'), 'That is not possible now. Try again in a few seconds.', 503)
    }
    const { statusCode = 500 } = error as { statusCode?: number } // Fastify's errors have one
    if (statusCode < 500) return refuse(reply, 'The request cannot be read.', statusCode)
    reply.log.error({ err: error }, 'signing in failed')
    return refuse(reply, 'Something went wrong here. It has been noted.', 500)
  })

  app.get('/login', async (request, reply) => {
    const { issuer } = request.query as { issuer?: unknown } // Fastify's parser gives an object
    const [only, ...others] = webLogin.issuers
    if (typeof issuer === 'string') return begin(reply, issuer)
    if (only === undefined) {
      return show(reply, 200, 'Sign in', html`<p>Sign-in is not set up. Ask the operator for a link.</p>`)
    }
    if (others.length === 0) return begin(reply, only)
    const links = webLogin.issuers.map(
      (one) => html`<li><a href="/login?issuer=${encodeURIComponent(one)}">${new URL(one).host}</a></li>`,
    )
    return show(reply, 200, 'Sign in', html`<ul>${links}</ul>`)
  })

  app.get('/login/callback', async (request, reply) => {
    const sealed = cookieOf(request, flow)
    reply.header('set-cookie', clear(flow))
    const query = request.url.split('?')[1] ?? ''
    const result = sealed === undefined ? ({ refused: 'failed' } as const) : await webLogin.finish(query, sealed)
    if ('session' in result) return letIn(request, reply.removeHeader('set-cookie'), result.session)
    reply.log.warn(result, 'a sign-in was refused')
    return refuse(reply, REFUSALS[result.refused])
  })

  app.get('/login/link', async (_, reply) =>
    show(
      reply,
      200,
      'Sign in',
      html`<form method="post" action="/login/link"><label>Code <input name="code" autocomplete="off"></label>
<button>Sign in</button></form><script type="module" src="/login/link.js"></script>`,
    ),
  )
  app.get('/login/link.js', async (_, reply) => reply.type('text/javascript; charset=utf-8').send(LINK_SCRIPT))
  app.post('/login/link', async (request, reply) => {
    if (!isOwnOrigin(request, publicUrl)) return refuse(reply, 'Another site sent this.')
    const secret = await webSessions.useLink(field(request, 'code').trim())
    if (secret === undefined) return refuse(reply, 'This link has been used, has expired, or is none.')
    return letIn(request, reply, secret)
  })

  app.post('/logout', async (request, reply) => {
    if (!isOwnOrigin(request, publicUrl)) return refuse(reply, 'Another site sent this.')
    const secret = cookieOf(request, session)
    if (secret !== undefined) await webSessions.end(secret)
    reply.header('set-cookie', clear(session))
    return show(reply, 200, 'Signed out', html`<p><a href="/login">Sign in again</a></p>`)
  })

  app.post('/backchannel-logout', async (request, reply) => {
    const done = await webLogin.logout(field(request, 'logout_token'))
    return done ? reply.code(200).send() : reply.code(400).send({ error: 'invalid_request' })
  })

  // RFC 9110 §15.5.6
  for (const [url, allow] of Object.entries(METHODS)) {
    const method = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !allow.split(', ').includes(one))
    const onRequest = async (_: FastifyRequest, reply: FastifyReply) =>
      refuse(reply.header('allow', allow), `Here goes ${allow}.`, 405)
    app.route({ method, url, onRequest, handler: onRequest, exposeHeadRoute: false })
  }
}
