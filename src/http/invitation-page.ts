import type { FastifyInstance, FastifyReply } from 'fastify'
import { DomainError, type InvitationLetters, type InvitationTold } from '#domain'
import { html, page } from '../html.ts'

const SECURITY = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** What comes after "#" is sent to no server by itself: it is posted, and is then neither in an address nor in a log. */
const SCRIPT = `const form = document.forms[0]
form.elements.token.value = location.hash.slice(1)
history.replaceState(null, '', location.pathname)
if (form.elements.token.value) form.submit()
`

const FORM = page(
  'An invitation',
  html`<p>This page needs the whole link of your letter, and JavaScript to read it.</p>
<form method="post" action="/invitation"><input type="hidden" name="token"><button>See the invitation</button></form>
<script src="/invitation/link.js"></script>`,
)

const OVER = page(
  'This invitation does not hold',
  html`<p>It was used or taken back, it ran out, or its letter was sent again. Ask whoever invited you for another one.</p>`,
)

function told({ teamName, organizationName, inviterName, role, expiresAt }: InvitationTold): string {
  const as = role === 'member' ? 'a member' : `an ${role}`
  const by = inviterName === undefined ? html`You are invited` : html`<bdi>${inviterName}</bdi> invites you`
  return page(
    'You are invited',
    html`<p>${by} to the team “<bdi>${teamName}</bdi>” of <bdi>${organizationName}</bdi>, as ${as}.</p>
<p>The invitation holds until ${expiresAt.toISOString().slice(0, 10)}. You are in the team once you sign in with the e-mail address that this was sent to.</p>
<p><a href="/login">Sign in</a></p>`,
  )
}

const MAX_BYTES = 4_096

/** Where an invitation's link leads: it tells, and lets nobody in. */
export async function invitationPage(app: FastifyInstance, { letters }: { letters: InvitationLetters }): Promise<void> {
  const show = (reply: FastifyReply, status: number, text: string) =>
    reply.code(status).type('text/html; charset=utf-8').send(text)
  app.removeAllContentTypeParsers()
  const options = { parseAs: 'string', bodyLimit: MAX_BYTES } as const
  app.addContentTypeParser('application/x-www-form-urlencoded', options, (_, body, done) => done(null, body))
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(SECURITY)
  })
  app.setErrorHandler((error, _, reply) => {
    if (!(error instanceof DomainError && error.code === 'unavailable')) throw error
    const body = html`<p>That is not possible now. Try again in a few seconds.</p>`
    return show(reply.header('retry-after', '2'), 503, page('An invitation', body))
  })

  app.get('/invitation', (_, reply) => show(reply, 200, FORM))
  app.get('/invitation/link.js', (_, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT))
  app.post('/invitation', async ({ body }, reply) => {
    const token = new URLSearchParams(typeof body === 'string' ? body : '').get('token') ?? ''
    const invitation = await letters.ofLink(token)
    return invitation ? show(reply, 200, told(invitation)) : show(reply, 404, OVER)
  })
}
