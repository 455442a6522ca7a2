import { at } from '../answer.ts'
import { type Check, holds, refusal, same, status, under, withQuery } from '../check.ts'

export const SECURITY: readonly Check[] = [
  ...under(
    'RFC 7644 §2',
    {
      title: 'without a token nobody reads users: 401',
      reads: true,
      async run(client) {
        refusal(await client.get('/Users?count=1', { token: null }), [401])
      },
    },
    {
      title: 'a token that is not valid lets nobody in: 401',
      reads: true,
      async run(client) {
        refusal(await client.get('/Users?count=1', { token: 'kith-check-no-token' }), [401])
      },
    },
    {
      title: 'a 401 tells how to authenticate: WWW-Authenticate',
      reads: true,
      async run(client) {
        const answer = await client.get('/Users?count=1', { token: null })
        const told = answer.headers.get('www-authenticate')
        holds(answer, told !== null && told !== '', 'WWW-Authenticate', told)
      },
    },
    {
      title: 'without a token nobody makes or searches users: 401',
      async run(client, state) {
        status(await client.post('/Users', state.body(), { token: null }), 401)
        status(await client.post('/Users/.search', {}, { token: null }), 401, 404, 405, 501)
      },
    },
  ),
  ...under('RFC 7643 §4.1.1', {
    title: 'a password is never shown',
    needs: ['User.password'],
    async run(client, state) {
      const password = `Kc-${state.prefix}-9!`
      const { path, answer: made } = await state.user({ password })
      holds(made, !made.text.includes(password), 'no password', 'the password')
      const answer = await client.get(withQuery(path, { attributes: 'userName,password' }))
      holds(answer, !answer.text.includes(password), 'no password', 'the password')
    },
  }),
  ...under('RFC 7644 §7', {
    title: 'names that every object has by birth reach no other resource',
    async run(client, state) {
      const raw = (userName: string) =>
        `{"__proto__": {"title": "polluted"}, "constructor": {"prototype": {"title": "polluted"}}, ${JSON.stringify(state.body({ userName })).slice(1)}`
      const answer = await client.ask('POST', '/Users', { raw: raw(`${state.name()}@example.com`) })
      status(answer, 201, 400)
      holds(answer, at(answer.json, 'title') !== 'polluted', 'no title', at(answer.json, 'title'))
      const { answer: next } = await state.user()
      same(next, 'the title of the next user', at(next.json, 'title') ?? null, null)
    },
  }),
  ...under('RFC 7644 §3.12', {
    title: 'a filter of nonsense is no fault of the server’s',
    reads: true,
    async run(client) {
      for (const filter of ['\u0000', '"', "' or 1=1 --", '('.repeat(500), '__proto__ eq "x"']) {
        const answer = await client.get(withQuery('/Users', { filter }))
        holds(answer, answer.status < 500, 'a status below 500', answer.status)
      }
    },
  }),
]
