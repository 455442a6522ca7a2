import { randomUUID } from 'node:crypto'
import t from 'tap'
import { holdKeys, walk } from '../support/everyone.ts'
import { webhookReceiver } from '../support/receivers.ts'
import { type App, startRest } from '../support/rest.ts'

const running = await startRest(t, { OUTGOING_ALLOW: '127.0.0.1' })
const { kith, organization } = running
const NAMES = ['Member', 'Administrator', 'Owner', 'Deactivated', 'Target', 'New', 'Asker', 'Boss']
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', NAMES)
await organization('Explorer', 'explorer.example', ['Ryan'])
const partnerId = await organization('Partner', 'partner.example', ['Pam'])
for (const email of ['ryan@explorer.example', 'pam@partner.example']) {
  await kith.users.update(await kith.users.get(email), { isStaff: true })
}
const emailOf = (name: string) => `${name.toLowerCase()}@spaceodyssey.com`
const userOf = (name: string) => kith.users.get(emailOf(name))
const app = (name: string) => running.app(emailOf(name))
const { id: staffId } = await kith.users.create(organizationId, {
  name: 'Staff',
  email: emailOf('staff'),
  isStaff: true,
})
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
await kith.users.setActive(await userOf('deactivated'), false)
const { owner, staff } = EVERYONE
const [member, administrator, deactivated, target, newcomer, asker, boss] = await Promise.all(
  ['member', 'administrator', 'deactivated', 'target', 'new', 'asker', 'boss'].map(userOf),
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
  const version = String((await owner.get(`/contacts/${contact}/history`)).items[0]?.id)
  return { contact, team, version, invitation: String(json.id), target: target?.id ?? '', asker: asker?.id ?? '' }
}

/** What each route is asked with. An address names what is of the scene; ids in bodies are of colleagues. */
const BODIES: Readonly<Record<string, unknown>> = {
  'PATCH /me': {},
  'POST /contacts': { data: { full_name: 'Somebody' } },
  'PATCH /contacts/{contact}': { data: { notes: 'y' } },
  'PUT /contacts/{contact}/photo': Buffer.from(PHOTO.split(',')[1] ?? '', 'base64'),
  'POST /contacts/import': Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:X\r\nN:X;;;;\r\nEND:VCARD\r\n'),
  'POST /contacts/batch': { operations: [{ op: 'create', data: { full_name: 'Somebody' } }] },
  'POST /teams': { name: 'Another' },
  'PATCH /teams/{team}': { name: 'Renamed' },
  'POST /teams/{team}/members': { user_id: newcomer?.id },
  'PATCH /teams/{team}/members/{target}': { role: 'administrator' },
  'POST /teams/{team}/transfer': { user_id: target?.id },
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
  POST /contacts/import                              | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
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
  DELETE /teams/{team}/invitations/{invitation}      | 401    | 403       | 401         | 404       | 404   | 403    | 204           | 204`

const receiver = await webhookReceiver(t)
const HOOK = { name: 'App', url: receiver.url, format: 'standard-webhooks' }
const pam = await running.app('pam@partner.example')

/** Offers a directory that is new to a domain. */
async function offer(from: App, domain: string) {
  const directory = String((await from.post('/directories', { name: 'Suppliers' })).json.id)
  const { json } = await from.post(`/directories/${directory}/offers`, { domain })
  return { directory, id: String(json.id) }
}

/** The organization's hook and the team's, a directory that a partner has, and what the partner offers. */
async function newOrganizationScene(): Promise<Readonly<Record<string, string>>> {
  for (const { id } of (await staff.get('/organization/hooks')).items) await staff.delete(`/organization/hooks/${id}`)
  const hook = String((await staff.post('/organization/hooks', HOOK)).json.id)
  const { team = '' } = await newScene()
  const teamHook = String((await owner.post(`/teams/${team}/hooks`, HOOK)).json.id)
  const ours = await offer(staff, 'partner.example')
  await staff.ask('PUT', `/directories/${ours.directory}/managers/${administrator?.id}`)
  await staff.delete(`/directories/${ours.directory}/managers/${staffId}`)
  const data = { full_name: 'Hal' }
  const entry = String((await EVERYONE.administrator.post(`/directories/${ours.directory}/entries`, { data })).json.id)
  await pam.post(`/organization/offers/${ours.id}/accept`)
  const theirs = await offer(pam, 'spaceodyssey.com')
  await staff.post(`/organization/offers/${theirs.id}/accept`)
  const received = (await offer(pam, 'spaceodyssey.com')).id
  await staff.ask('PUT', `/organization/administrators/${boss?.id}`)
  const connector = await kith.connectors.obtain(organizationId, randomUUID())
  const { token } = await kith.scimTokens.create(connector)
  const made = {
    identity: connector.id,
    token: token.id,
    hook,
    team,
    teamHook,
    directory: ours.directory,
    offer: ours.id,
    entry,
    subscription: theirs.directory,
  }
  const people = { target: target?.id ?? '', boss: boss?.id ?? '', manager: administrator?.id ?? '' }
  return { ...made, ...people, received, subscriber: partnerId }
}

const ORGANIZATION_BODIES: Readonly<Record<string, unknown>> = {
  'PATCH /organization': {},
  'POST /organization/connectors': { name: 'another' },
  'PATCH /organization/connectors/{identity}': { is_strict: true },
  'POST /organization/connectors/{identity}/tokens': {},
  'POST /organization/hooks': HOOK,
  'PATCH /organization/hooks/{hook}': { name: 'Other' },
  'POST /teams/{team}/hooks': HOOK,
  'PATCH /teams/{team}/hooks/{teamHook}': { name: 'Other' },
  'POST /directories': { name: 'More' },
  'PATCH /directories/{directory}': { name: 'Renamed' },
  'POST /directories/{directory}/entries': { data: { full_name: 'Somebody' } },
  'PATCH /directories/{directory}/entries/{entry}': { data: { notes: 'y' } },
  'POST /directories/{directory}/offers': { domain: 'else.example' },
}

/** Likewise of what an organization has: `administrator` manages the directory, and `staff` administers all of it. */
const ORGANIZATION_ROUTES = `
  route                                                    | nobody | connector | deactivated | elsewhere | staff | member | administrator | owner
  GET /users                                               | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  GET /users/{target}                                      | 401    | 403       | 401         | 404       | 200   | 200    | 200           | 200
  GET /organization                                        | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  PATCH /organization                                      | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  GET /organization/administrators                         | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  GET /organization/administrators/{boss}                  | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  PUT /organization/administrators/{target}                | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  DELETE /organization/administrators/{boss}               | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /organization/connectors                             | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  POST /organization/connectors                            | 401    | 403       | 401         | 201       | 201   | 403    | 403           | 403
  GET /organization/connectors/{identity}                  | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  PATCH /organization/connectors/{identity}                | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  GET /organization/connectors/{identity}/tokens           | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/connectors/{identity}/tokens          | 401    | 403       | 401         | 404       | 201   | 403    | 403           | 403
  GET /organization/connectors/{identity}/tokens/{token}   | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  DELETE /organization/connectors/{identity}/tokens/{token} | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  DELETE /organization/connectors/{identity}               | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /organization/hooks                                  | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  POST /organization/hooks                                 | 401    | 403       | 401         | 201       | 201   | 403    | 403           | 403
  GET /organization/hooks/{hook}                           | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  PATCH /organization/hooks/{hook}                         | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/hooks/{hook}/test                     | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/hooks/{hook}/resync                   | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/hooks/{hook}/resume                   | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/hooks/{hook}/rotate-secret            | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  DELETE /organization/hooks/{hook}                        | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /teams/{team}/hooks                                  | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/hooks                                 | 401    | 403       | 401         | 404       | 404   | 403    | 201           | 201
  GET /teams/{team}/hooks/{teamHook}                       | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  PATCH /teams/{team}/hooks/{teamHook}                     | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/hooks/{teamHook}/test                 | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/hooks/{teamHook}/resync               | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/hooks/{teamHook}/resume               | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  POST /teams/{team}/hooks/{teamHook}/rotate-secret        | 401    | 403       | 401         | 404       | 404   | 403    | 200           | 200
  DELETE /teams/{team}/hooks/{teamHook}                    | 401    | 403       | 401         | 404       | 404   | 403    | 204           | 204
  GET /directories                                         | 401    | 403       | 401         | 200       | 200   | 200    | 200           | 200
  POST /directories                                        | 401    | 403       | 401         | 201       | 201   | 403    | 403           | 403
  GET /directories/{directory}                             | 401    | 403       | 401         | 404       | 200   | 200    | 200           | 200
  PATCH /directories/{directory}                           | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  DELETE /directories/{directory}                          | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /directories/{directory}/managers                    | 401    | 403       | 401         | 404       | 200   | 403    | 200           | 403
  PUT /directories/{directory}/managers/{target}           | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  DELETE /directories/{directory}/managers/{manager}       | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /directories/{directory}/entries                     | 401    | 403       | 401         | 404       | 200   | 200    | 200           | 200
  POST /directories/{directory}/entries                    | 401    | 403       | 401         | 404       | 403   | 403    | 201           | 403
  GET /directories/{directory}/entries/{entry}             | 401    | 403       | 401         | 404       | 200   | 200    | 200           | 200
  PATCH /directories/{directory}/entries/{entry}           | 401    | 403       | 401         | 404       | 403   | 403    | 200           | 403
  DELETE /directories/{directory}/entries/{entry}          | 401    | 403       | 401         | 404       | 403   | 403    | 204           | 403
  GET /directories/{directory}/offers                      | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /directories/{directory}/offers                     | 401    | 403       | 401         | 404       | 201   | 403    | 403           | 403
  DELETE /directories/{directory}/offers/{offer}           | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /directories/{directory}/subscribers                 | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  DELETE /directories/{directory}/subscribers/{subscriber} | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /organization/offers                                 | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  POST /organization/offers/{received}/accept              | 401    | 403       | 401         | 404       | 200   | 403    | 403           | 403
  POST /organization/offers/{received}/decline             | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403
  GET /organization/subscriptions                          | 401    | 403       | 401         | 200       | 200   | 403    | 403           | 403
  DELETE /organization/subscriptions/{subscription}        | 401    | 403       | 401         | 404       | 204   | 403    | 403           | 403`

t.test('every route of the document answers everyone as its row says, and as it is documented', async (t) => {
  await holdKeys(t, running.database.url)
  await walk(t, running.url, EVERYONE, [
    { text: ROUTES, bodies: BODIES, newScene, ours: /spaceodyssey|Space Odyssey|Project X|Julie/ },
    {
      text: ORGANIZATION_ROUTES,
      bodies: ORGANIZATION_BODIES,
      newScene: newOrganizationScene,
      ours: /spaceodyssey|Space Odyssey|Suppliers|Hal/,
    },
  ])
})
