import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Actor, User } from '#domain'
import { smtpMailer } from '../../src/outgoing/mail.ts'
import { ask, type Running, startKith } from '../support/kith.ts'
import { actorOf } from '../support/services.ts'
import { headersOf, partOf, type Smtp, startSmtp } from '../support/smtp.ts'

const FROM = 'Kith <kith@directory.example>'
const GUEST = 'dave@guest.example'
const logged: object[] = []
const log = { warn: (details: object) => void logged.push(details) }

interface Scene extends Running {
  readonly smtp: Smtp
  readonly david: User
  readonly actor: Actor
  readonly teamId: string
  drain(early?: boolean): Promise<number>
  invite(email?: string): Promise<string>
  letterState(id: string): Promise<string>
}

/** David has a team, and there is a mail server. */
async function scene(
  t: Test,
  { smtp: given, team = 'Project X' }: { smtp?: Smtp; team?: string } = {},
): Promise<Scene> {
  const smtp = given ?? (await startSmtp())
  if (!given) t.teardown(() => smtp.close())
  const running = await startKith(t, undefined, {
    SMTP_URL: smtp.url,
    MAIL_FROM: FROM,
    PUBLIC_URL: 'https://kith.example.org',
  })
  const { kith } = running
  await running.organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman'])
  const david = await kith.users.get('david.bowman@spaceodyssey.com')
  const { id: teamId } = await kith.teams.create(team, david)
  const actor = actorOf(david)
  return {
    ...running,
    smtp,
    david,
    actor,
    teamId,
    drain: (early = false) => kith.workers.drain(log, { early }),
    invite: async (email = GUEST) => {
      const invited = await kith.invitations.invite(actor, teamId, { email, role: 'member' })
      return 'invitation' in invited ? invited.invitation.id : ''
    },
    letterState: async (id) => (await kith.invitations.find(actor, teamId, id)).letter,
  }
}

const tokenIn = (raw: string): string => /\/invitation#([\w-]+)/.exec(partOf(raw, 'text/plain'))?.[1] ?? ''

t.test('an invitation arrives once, as text and markup, with a link that works and no answer wanted', async (t) => {
  const { kith, smtp, drain, invite, letterState } = await scene(t)
  const id = await invite()
  t.equal(await letterState(id), 'waiting')
  await drain()
  await drain(true)
  t.equal(smtp.received.length, 1)
  const [{ raw, to, from } = { raw: '', to: [], from: '' }] = smtp.received
  t.strictSame([from, to], ['kith@directory.example', [GUEST]])
  const headers = new Map(headersOf(raw))
  t.match(headers, new Map([['auto-submitted', 'auto-generated']]))
  t.equal(headers.get('from'), FROM)
  t.equal(headers.get('to'), GUEST)
  t.notOk(headers.has('reply-to'))
  t.ok(headers.get('message-id')?.endsWith('@directory.example>'))
  t.match(partOf(raw, 'text/plain'), 'https://kith.example.org/invitation#kithi_')
  t.match(partOf(raw, 'text/html'), `href="https://kith.example.org/invitation#${tokenIn(raw)}"`)
  t.match(await kith.invitationLetters.ofLink(tokenIn(raw)), { teamName: 'Project X', inviterName: 'David Bowman' })
  t.equal(await letterState(id), 'sent')
})

t.test('20 workers at once send a letter once', async (t) => {
  const { kith, smtp, invite } = await scene(t)
  await invite()
  await Promise.all(Array.from({ length: 20 }, () => kith.workers.drain(log)))
  t.equal(smtp.received.length, 1)
})

t.test('while the mail server is down nothing is lost, and the letter that then arrives is the same one', async (t) => {
  const first = await startSmtp({
    onData: (_, __, done) => done(Object.assign(new Error('later'), { responseCode: 451 })),
  })
  const { kith, drain, invite, letterState } = await scene(t, { smtp: first })
  const id = await invite()
  t.equal(await drain(), 1)
  await first.close()
  t.equal(await drain(true), 1, 'nobody listens')
  t.equal(await letterState(id), 'waiting')
  const second = await startSmtp({}, first.port)
  t.teardown(() => second.close())
  t.equal(await drain(true), 1)
  t.equal(second.received.length, 1)
  t.equal(await letterState(id), 'sent')
  t.ok(await kith.invitationLetters.ofLink(tokenIn(second.received[0]?.raw ?? '')))
  t.notMatch(JSON.stringify(logged), /guest\.example|David|kithi_/)
})

t.test('a letter that is refused for good, or fails too often, is given up, and its invitation tells', async (t) => {
  let code = 550
  const smtp = await startSmtp({
    onRcptTo: (_, __, done) => done(Object.assign(new Error('<dave@guest.example> no'), { responseCode: code })),
  })
  t.teardown(() => smtp.close())
  const { kith, actor, teamId, drain, invite, letterState } = await scene(t, { smtp })
  const refused = await invite()
  t.equal(await drain(), 1)
  t.equal(await drain(true), 0)
  t.equal(await letterState(refused), 'failed')
  code = 451
  await kith.invitations.resend(actor, teamId, refused)
  t.equal(await letterState(refused), 'waiting')
  let attempts = await drain()
  for (let more = attempts; more > 0; attempts += more) more = await drain(true)
  t.ok(attempts > 10)
  t.equal(await letterState(refused), 'failed')
})

t.test('revoked, used or expired before it is sent, nothing is sent', async (t) => {
  const { kith, smtp, actor, teamId, david, drain, invite, database } = await scene(t)
  await kith.invitations.revoke(actor, teamId, await invite())
  await invite('new.one@spaceodyssey.com')
  await kith.users.create(david.organizationId, { name: 'New One', email: 'new.one@spaceodyssey.com' })
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  await invite('late@guest.example')
  await sql.query(`update invitation set expires_at = now() - interval '1 second'`)
  await sql.end()
  t.equal(await drain(), 3)
  t.equal(smtp.received.length, 0)
})

t.test(
  'sent again, the new letter’s link alone works; asked for twice before it is sent, it is sent once',
  async (t) => {
    const { kith, smtp, actor, teamId, drain, invite } = await scene(t)
    const id = await invite()
    await kith.invitations.resend(actor, teamId, id)
    await drain()
    await kith.invitations.resend(actor, teamId, id)
    await drain()
    t.equal(smtp.received.length, 2)
    const [first = '', second = ''] = smtp.received.map(({ raw }) => raw)
    t.equal(await kith.invitationLetters.ofLink(tokenIn(first)), undefined)
    t.ok(await kith.invitationLetters.ofLink(tokenIn(second)))
    const ids = [first, second].map((raw) => new Map(headersOf(raw)).get('message-id'))
    t.not(ids[0], ids[1])
  },
)

t.test('names are text: they add no header, no markup, no line and turn nothing round', async (t) => {
  const team = 'X\r\nBcc: spy@evil.example\r\n\r\n<img src=x onerror=alert(1)> "&\u202Egnp.exe\u2066'
  const { smtp, drain, invite } = await scene(t, { team })
  await invite()
  await drain()
  const raw = smtp.received[0]?.raw ?? ''
  t.strictSame(smtp.received[0]?.to, [GUEST])
  const names = headersOf(raw).map(([name]) => name)
  t.notOk(names.includes('bcc'))
  t.equal(new Set(names).size, names.length)
  const [text, markup] = [partOf(raw, 'text/plain'), partOf(raw, 'text/html')]
  t.match(markup, '&lt;img src=x')
  t.notMatch(markup, '<img')
  t.notMatch(text + markup, /[\u202a-\u202e\u2066-\u2069]/)
  t.notMatch(text, /^Bcc/m)
})

t.test('a server beyond this machine that offers no TLS gets nothing', async (t) => {
  const smtp = await startSmtp()
  t.teardown(() => smtp.close())
  const from = { name: 'Kith', address: 'kith@directory.example' }
  const mail = { to: GUEST, subject: 's', text: 't', html: '<p>t</p>', id: '1' }
  // as a name of this machine that is not known to be one
  const url = new URL(smtp.url.replace('127.0.0.1', '0.0.0.0'))
  const strict = smtpMailer({ url, from, plain: false })
  await t.rejects(strict.send(mail))
  strict.close()
  t.equal(smtp.received.length, 0)
  const allowed = smtpMailer({ url, from, plain: true })
  await allowed.send(mail)
  allowed.close()
  t.equal(smtp.received.length, 1)
})

t.test('a serving process that is killed while it sends loses nothing: another one sends it', async (t) => {
  let isHeld: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    isHeld = resolve
  })
  let first = true
  const received: string[] = []
  const smtp = await startSmtp({
    onData: (stream, _, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (first) {
          first = false
          return isHeld() // and never answers
        }
        received.push(Buffer.concat(chunks).toString())
        done()
      })
    },
  })
  const { kith, invite, drain, database, config } = await scene(t, { smtp })
  const serving: ChildProcess = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      DATA_DIR: config.dataDir,
      SECRET_KEY: config.secretKey ?? '',
      PORT: '0',
      SMTP_URL: smtp.url,
      MAIL_FROM: FROM,
    },
    stdio: 'ignore',
  })
  await invite()
  await held
  serving.kill('SIGKILL')
  await once(serving, 'exit')
  t.equal(await drain(true), 0, 'it has it')
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  await sql.query(`update jobs.job set started_on = started_on - interval '1 hour'`)
  await sql.query('update jobs.queue set monitor_claim_on = null, monitor_on = null')
  await sql.end()
  await kith.workers.recover()
  t.equal(await drain(true), 1)
  t.equal(received.length, 1)
  t.ok(await kith.invitationLetters.ofLink(tokenIn(received[0] ?? '')))
  await smtp.close()
})

t.test('the link’s page tells of the invitation while it holds, as text, and lets nobody in', async (t) => {
  const { kith, smtp, url, actor, teamId, drain, invite } = await scene(t, { team: '<b>Project</b> X' })
  const id = await invite()
  await drain()
  const token = tokenIn(smtp.received[0]?.raw ?? '')
  const post = (body: string) =>
    ask(url, 'POST', '/invitation', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })
  const form = await ask(url, 'GET', '/invitation')
  t.equal(form.status, 200)
  const script = await ask(url, 'GET', '/invitation/link.js')
  t.match(script.headers['content-type'], 'javascript')
  const shown = await post(`token=${token}`)
  t.equal(shown.status, 200)
  t.match(shown.text, '&lt;b&gt;Project&lt;/b&gt; X')
  t.match(shown.text, 'Space Odyssey')
  t.match(shown.text, 'David Bowman')
  t.match(shown.text, 'href="/login"')
  t.notMatch(shown.text, 'kithi_')
  for (const { headers } of [form, script, shown]) {
    t.match(headers['content-security-policy'], "default-src 'none'")
    t.notMatch(headers['content-security-policy'], 'unsafe')
    t.match(headers, { 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    t.equal(headers['set-cookie'], undefined)
  }
  await kith.invitations.revoke(actor, teamId, id)
  const over = await post(`token=${token}`)
  t.equal(over.status, 404)
  for (const wrong of ['', 'token=', 'token=kithi_x', `token=${token.slice(0, -1)}`, `token=${token}&token=x`]) {
    const { status, text } = await post(wrong)
    t.equal(status, 404)
    t.equal(text, over.text, 'and nothing else')
  }
})
