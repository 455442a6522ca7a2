import { randomUUID } from 'node:crypto'
import t from 'tap'
import { ask } from '../support/kith.ts'
import { type RestAnswer, startRest } from '../support/rest.ts'

const running = await startRest(t)
const { kith, organization } = running
const NAMES = ['Member', 'Administrator', 'Owner', 'Deactivated', 'Target', 'New', 'Asker', 'Boss']
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', NAMES)
await organization('Explorer', 'explorer.example', ['Ryan'])
const emailOf = (name: string) => `${name.toLowerCase()}@spaceodyssey.com`
const userOf = (name: string) => kith.users.get(emailOf(name))
const app = (name: string) => running.app(emailOf(name))
await kith.users.create(organizationId, { name: 'Staff', email: emailOf('staff'), isStaff: true })
const EVERYONE = {
  nobody: await running.app(),
  connector: await running.connector(organizationId),
  deactivated: await app('deactivated'),
  elsewhere: await running.app('ryan@explorer.example'),
  staff: await app('staff'),
  member: await app('member'),
  administrator: await app('administrator'),
  owner: await app('owner'),
}
const COLUMNS = Object.keys(EVERYONE) as (keyof typeof EVERYONE)[] // its keys
await kith.users.setActive(await userOf('deactivated'), false)
const { owner } = EVERYONE
const [member, administrator, deactivated, target, newcomer, asker] = await Promise.all(
  ['member', 'administrator', 'deactivated', 'target', 'new', 'asker'].map(userOf),
)
const asking = await app('asker')

/** A PNG of one pixel. */
const PHOTO =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

/** The owner's contact and team, and what is in them: what stands for each parameter of an address. */
async function newScene(): Promise<Readonly<Record<string, string>>> {
  const contact = String((await owner.post('/contacts', { data: { full_name: 'Julie', photo: PHOTO } })).json.id)
  await owner.patch(`/contacts/${contact}`, { data: { notes: 'x' } })
  const team = String((await owner.post('/teams', { name: 'Project X', is_open: true })).json.id)
  await kith.store.teams.join(
    organizationId,
    team,
    [member, target, deactivated].flatMap((one) => one?.id ?? []),
    'member',
  )
  await owner.post(`/teams/${team}/members`, { user_id: administrator?.id, role: 'administrator' })
  await asking.ask('PUT', `/teams/${team}/join-request`)
  const { json } = await owner.post(`/teams/${team}/invitations`, { email: `${randomUUID()}@else.example` })
  const boss = await kith.users.update(await userOf('boss'), { isStaff: true })
  const connector = await kith.connectors.obtain(organizationId, randomUUID())
  const { token } = await kith.scimTokens.create(connector)
  const version = String((await owner.get(`/contacts/${contact}/history`)).items[0]?.id)
  return {
    contact,
    team,
    version,
    invitation: String(json.id),
    target: target?.id ?? '',
    asker: asker?.id ?? '',
    boss: boss.id,
    newcomer: newcomer?.id ?? '',
    identity: connector.id,
    token: token.id,
  }
}

/** What each route is asked with. An address names what is of the scene; ids in bodies are of colleagues. */
const BODIES: Readonly<Record<string, unknown>> = {
  'PATCH /me': {},
  'POST /contacts': { data: { full_name: 'Somebody' } },
  'PATCH /contacts/{contact}': { data: { notes: 'y' } },
  'PUT /contacts/{contact}/photo': Buffer.from(PHOTO.split(',')[1] ?? '', 'base64'),
  'POST /contacts/batch': { operations: [{ op: 'create', data: { full_name: 'Somebody' } }] },
  'POST /teams': { name: 'Another' },
  'PATCH /teams/{team}': { name: 'Renamed' },
  'POST /teams/{team}/members': { user_id: newcomer?.id },
  'PATCH /teams/{team}/members/{target}': { role: 'administrator' },
  'POST /teams/{team}/transfer': { user_id: target?.id },
  'PATCH /organization': { name: 'Space Odyssey' },
  'POST /organization/connectors': { name: 'another' },
  'PATCH /organization/connectors/{identity}': { is_strict: true },
  'POST /organization/connectors/{identity}/tokens': {},
  'POST /teams/{team}/invitations': { email: 'guest@else.example' },
}

/** A row for every route of the document; `member` and so on are those of the team, and the contact is the owner's own. */
const ROUTES = `
  route                                              | nobody | connector | deactivated | elsewhere | staff | member | administrator | owner
  GET /me                                            | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  PATCH /me                                          | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /contacts                                      | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  POST /contacts                                     | 401    | 403       | 401         | 201       | 201   | 201    | 201           | 201
  GET /contacts/hidden                               | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /contacts/changes                              | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /contacts/export                               | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  POST /contacts/batch                               | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /contacts/{contact}                            | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  PATCH /contacts/{contact}                          | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  DELETE /contacts/{contact}                         | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 204
  POST /contacts/{contact}/hide                      | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 422
  POST /contacts/{contact}/unhide                    | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 404
  GET /contacts/{contact}/vcard                      | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  GET /contacts/{contact}/photo                      | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  PUT /contacts/{contact}/photo                      | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 204
  DELETE /contacts/{contact}/photo                   | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 204
  GET /contacts/{contact}/history                    | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  GET /history                                       | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /history/{version}                             | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  POST /history/{version}/restore                    | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 200
  GET /teams                                         | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  POST /teams                                        | 401    | 403       | 401         | 201       | 201   | 201    | 201           | 201
  GET /teams/joinable                                | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /teams/{team}                                  | 401    | 403       | 401         | 404       | 404   | 200    | 200           | 200
  PATCH /teams/{team}                                | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  DELETE /teams/{team}                               | 401    | 403       | 401         | 404       | 404   | 403    | 403           | 204
  POST /teams/{team}/leave                           | 401    | 403       | 401         | 404       | 404   | 204    | 204           | 409
  POST /teams/{team}/transfer                        | 401    | 403       | 401         | 404       | 404   | 403    | 403           | 200
  GET /teams/{team}/members                          | 401    | 403       | 401         | 404       | 404   | 200    | 200           | 200
  POST /teams/{team}/members                         | 401    | 403       | 401         | 404       | 404   | 403    | 201           | 201
  GET /teams/{team}/members/{target}                 | 401    | 403       | 401         | 404       | 404   | 200    | 200           | 200
  PATCH /teams/{team}/members/{target}               | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  DELETE /teams/{team}/members/{target}              | 401    | 403       | 401         | 404       | 404   | 403    | 204           | 204
  GET /teams/{team}/join-request                     | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 404
  PUT /teams/{team}/join-request                     | 401    | 403       | 401         | 404       | 201   | 409    | 409           | 409
  DELETE /teams/{team}/join-request                  | 401    | 403       | 401         | 404       | 404   | 404    | 404           | 404
  GET /teams/{team}/join-requests                    | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  GET /teams/{team}/join-requests/{asker}            | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/join-requests/{asker}/approve   | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/join-requests/{asker}/decline   | 401    | 403       | 401         | 404       | 404   | 403    | 204           | 204
  GET /teams/{team}/invitations                      | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/invitations                     | 401    | 403       | 401         | 404       | 404   | 403    | 201           | 201
  GET /teams/{team}/invitations/{invitation}         | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/invitations/{invitation}/resend | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  DELETE /teams/{team}/invitations/{invitation}      | 401    | 403       | 401         | 404       | 404   | 403    | 204           | 204
  GET /users                                         | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /users/{target}                                | 401    | 403       | 401         | 404       | 200   | 200    | 200           | 200
  GET /organization                                  | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  PATCH /organization                                | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  GET /organization/administrators                   | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  GET /organization/administrators/{boss}            | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  PUT /organization/administrators/{newcomer}        | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  DELETE /organization/administrators/{boss}         | 401    | 403       | 401         | 403       | 204   | 403    | 403           | 403
  GET /organization/connectors                       | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  POST /organization/connectors                      | 401    | 403       | 401         | 403       | 201   | 403    | 403           | 403
  GET /organization/connectors/{identity}            | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  PATCH /organization/connectors/{identity}          | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  DELETE /organization/connectors/{identity}         | 401    | 403       | 401         | 403       | 204   | 403    | 403           | 403
  GET /organization/connectors/{identity}/tokens     | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  POST /organization/connectors/{identity}/tokens    | 401    | 403       | 401         | 403       | 201   | 403    | 403           | 403
  GET /organization/connectors/{identity}/tokens/{token} | 401    | 403       | 401         | 403       | 200   | 403    | 403           | 403
  DELETE /organization/connectors/{identity}/tokens/{token} | 401    | 403       | 401         | 403       | 204   | 403    | 403           | 403`

const cells = (line: string) => line.split('|').map((cell) => cell.trim())
const [head = '', ...rows] = ROUTES.trim().split('\n')
/** An address of the table or the document, whatever its parameters are called. */
const anonymous = (route: string) => route.replaceAll(/\{[^}]+\}/g, '{}')

t.test('every route of the document answers everyone as its row says, and as it is documented', async (t) => {
  t.strictSame(cells(head).slice(1), COLUMNS)
  const { text } = await ask(running.url, 'GET', '/api/v1/openapi.json')
  const { paths } = JSON.parse(text) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  } // OpenAPI 3.1
  const documented = new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses }]) => {
        const route = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`
        return [anonymous(route), { route, responses }] as const
      }),
    ),
  )
  const known = new Set(rows.map((row) => anonymous(cells(row)[0] ?? '')))
  const without = [...documented].filter(([route]) => !known.has(route)).map(([, { route }]) => route)
  t.strictSame(without, [], 'every route has its row')

  let scene = await newScene()
  for (const row of rows) {
    const [route = '', ...expected] = cells(row)
    const responses = documented.get(anonymous(route))?.responses
    if (!responses) t.fail(`${route} is served`)
    const [method = '', path = ''] = route.split(' ')
    const found: string[] = []
    for (const who of COLUMNS) {
      const address = path.replaceAll(/\{(\w+)\}/g, (_, name) => scene[name] ?? name)
      const body = BODIES[route]
      const type = body instanceof Uint8Array ? { 'content-type': 'image/png' } : {}
      const answer: RestAnswer = await EVERYONE[who].ask(method, address, body, type)
      found.push(String(answer.status))
      if (!responses?.[answer.status]) t.fail(`${route}: ${answer.status} is documented`)
      if (answer.status === 401) t.match(answer.headers['www-authenticate'], /^Bearer/, `${route}: ${who}`)
      if (who === 'elsewhere')
        t.notMatch(answer.text, /spaceodyssey|Space Odyssey|Project X|Julie/, `${route} tells nothing`)
      if (answer.status < 300 && method !== 'GET') scene = await newScene()
    }
    t.strictSame(found, expected, route)
  }
})
