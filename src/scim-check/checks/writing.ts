import { at, listAt, textAt } from '../answer.ts'
import { type Check, GROUP, holds, refusal, resources, same, status, under, withQuery } from '../check.ts'

const ABSENT = '/Users/00000000-0000-4000-8000-00000000c4ec'

export const WRITING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.5.1',
    {
      title: 'PUT replaces a user, and answers with it',
      async run(client, state) {
        const { path, name } = await state.user()
        const answer = await client.put(path, state.body({ userName: name, displayName: 'Put', active: false }))
        status(answer, 200)
        same(answer, 'displayName', at(answer.json, 'displayName'), 'Put')
        const { json } = await client.get(path)
        same(answer, 'active, read again', at(json, 'active'), false)
      },
    },
    {
      title: 'what a PUT leaves out is cleared',
      needs: ['User.title'],
      async run(client, state) {
        const { path, name } = await state.user({ title: 'Checker' })
        const answer = await client.put(path, state.body({ userName: name, emails: undefined }))
        status(answer, 200)
        const { json } = await client.get(path)
        same(answer, 'title, read again', at(json, 'title') ?? null, null)
        same(answer, 'emails, read again', listAt(json, 'emails'), [])
      },
    },
    {
      title: 'what is read-only is ignored in a PUT: the id and meta.created stay',
      async run(client, state) {
        const { path, name, id, answer: made } = await state.user()
        const meta = { created: '2001-01-01T00:00:00Z' }
        const answer = await client.put(path, state.body({ userName: name, meta, groups: [] }))
        status(answer, 200)
        same(answer, 'id', textAt(answer.json, 'id'), id)
        same(answer, 'meta.created', at(answer.json, 'meta', 'created'), at(made.json, 'meta', 'created'))
      },
    },
    {
      title: 'a PUT to an unknown id makes nothing: 404',
      async run(client, state) {
        refusal(await client.put(ABSENT, state.body()), [404])
      },
    },
    {
      title: 'a PUT to the userName of another is refused: 409 uniqueness',
      async run(client, state) {
        const [one, other] = [await state.user(), await state.user()]
        const answer = await client.put(one.path, state.body({ userName: other.name }))
        refusal(answer, [409])
        same(answer, 'scimType', textAt(answer.json, 'scimType'), 'uniqueness')
      },
    },
    {
      title: 'a PUT without the required userName is refused: 400 invalidValue',
      async run(client, state) {
        const { path } = await state.user()
        refusal(
          await client.put(path, { ...state.body(), userName: undefined }),
          [400],
          'invalidValue',
          'invalidSyntax',
        )
      },
    },
    {
      title: 'a group is renamed by PUT',
      needs: ['groups'],
      async run(client, state) {
        const { path } = await state.group()
        const displayName = state.name('renamed')
        const answer = await client.put(path, { schemas: [GROUP], displayName })
        status(answer, 200)
        same(answer, 'displayName', at((await client.get(path)).json, 'displayName'), displayName)
      },
    },
  ),
  ...under(
    'RFC 7644 §3.6',
    {
      title: 'DELETE is 204; then the user is 404, and in no list',
      needs: ['filter'],
      async run(client, state) {
        const { path, name } = await state.user()
        const answer = await client.delete(path)
        status(answer, 204)
        same(answer, 'body', answer.text, '')
        refusal(await client.get(path), [404])
        const list = await client.get(withQuery('/Users', { filter: `userName eq "${name}"` }))
        same(list, 'Resources', resources(list), [])
      },
    },
    {
      title: 'a second DELETE, and one of an unknown id, is 404',
      async run(client, state) {
        const { path } = await state.user()
        status(await client.delete(path), 204)
        refusal(await client.delete(path), [404])
        refusal(await client.delete(ABSENT), [404])
      },
    },
    {
      title: 'the userName of a deleted user is free again, for a user with another id',
      async run(client, state) {
        const { path, name, id } = await state.user()
        status(await client.delete(path), 204)
        const again = await state.user({ userName: name })
        holds(again.answer, again.id !== id, 'an id that is new', again.id)
      },
    },
  ),
  ...under(
    'RFC 7644 §3.14',
    {
      title: 'the ETag header is meta.version',
      needs: ['etag'],
      async run(client, state) {
        const { path, answer: made } = await state.user()
        const answer = await client.get(path)
        const etag = answer.headers.get('etag')
        same(answer, 'ETag', etag, at(answer.json, 'meta', 'version'))
        same(made, 'the version that POST told', at(made.json, 'meta', 'version'), etag)
      },
    },
    {
      title: 'If-None-Match with the version that is: 304',
      needs: ['etag'],
      async run(client, state) {
        const { path, answer: made } = await state.user()
        const version = textAt(made.json, 'meta', 'version')
        status(await client.get(path, { headers: { 'if-none-match': version } }), 304)
      },
    },
    {
      title: 'a change makes a new version',
      needs: ['etag'],
      async run(client, state) {
        const { path, name, answer: made } = await state.user()
        const answer = await client.put(path, state.body({ userName: name, displayName: 'Newer' }))
        const version = at(made.json, 'meta', 'version')
        holds(answer, at(answer.json, 'meta', 'version') !== version, 'another version', version)
        status(await client.get(path, { headers: { 'if-none-match': String(version) } }), 200)
      },
    },
    {
      title: 'If-Match with the version that is lets a change through',
      needs: ['etag'],
      async run(client, state) {
        const { path, name, answer: made } = await state.user()
        const headers = { 'if-match': textAt(made.json, 'meta', 'version') }
        status(await client.put(path, state.body({ userName: name }), { headers }), 200)
      },
    },
    {
      title: 'If-Match with another version is refused, and changes nothing: 412',
      needs: ['etag', 'patch'],
      async run(client, state) {
        const { path, name, answer: made } = await state.user()
        const headers = { 'if-match': 'W/"kith-check"' }
        const operations = [{ op: 'replace', path: 'displayName', value: 'Stale' }]
        refusal(await client.put(path, state.body({ userName: name, displayName: 'Stale' }), { headers }), [412])
        refusal(await client.patch(path, operations, { headers }), [412])
        const deleted = await client.delete(path, { headers })
        refusal(deleted, [412])
        same(deleted, 'displayName', at((await client.get(path)).json, 'displayName'), at(made.json, 'displayName'))
      },
    },
  ),
]
