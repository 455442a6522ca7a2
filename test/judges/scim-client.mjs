// The SCIM SDK for Java (Maven's), with which Keycloak's plug-ins provision, as Space Odyssey's identity provider; what it
// writes is read on phones, and what is done in Kith is read by it.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, judge, Reader, refusedAfter, run, serveDemo, unfold } from './support.mjs'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const TEAM = 'urn:ietf:params:scim:schemas:extension:kith:2.0:Group'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const ZOE = 'zoe.lindqvist@spaceodyssey.com'

/** The SDK is fetched for this run alone. */
async function startClient(it, url, token) {
  const folder = join(it.directory, 'client')
  const pom = join(import.meta.dirname, 'scim-client.pom.xml')
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`]
  await run('mvn', ['-q', '-B', '-f', pom, ...copy], { seconds: 180 })
  const program = join(import.meta.dirname, 'ScimClient.java')
  const child = spawn('java', ['-cp', join(folder, '*'), program, url], { stdio: ['pipe', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    log += piece
  })
  child.stdin.on('error', () => {}) // told by the missing answer
  it.atEnd(() => end(child))
  child.stdin.write(`${token}\n`)
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (type, what, asked = {}) => {
    child.stdin.write(`${JSON.stringify({ type, do: what, ...asked })}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error(`the client ended:\n${log}`)
    const answer = JSON.parse(value)
    if (answer.thrown) throw new Error(`${what} ${type}: ${answer.thrown}\n${log}`)
    return answer
  }
}

const user = (userName, more = {}) => ({ schemas: [`${CORE}:User`], userName, ...more })
const patch = (...Operations) => ({ schemas: [PATCH], Operations })

await judge('scimclient', async (it) => {
  const server = await serveDemo(it)
  const { token, url } = await server.kith('scim-token', 'create', '--organization', 'Space Odyssey')
  const client = await startClient(it, url, token)
  const david = new Reader(server, server.david)
  const zoe = new Reader(server, await server.kith('app-password', 'create', '--user', ZOE, '--label', 'tablet'))
  const done = (answer, status, title) => {
    it.equal(
      { status: answer.status, valid: answer.valid, success: answer.success },
      { status, valid: true, success: true },
      title,
    )
    return answer
  }
  const refused = (answer, status, scimType, title) => {
    it.equal([answer.status, answer.success, answer.error?.scimType], [status, false, scimType], title)
  }
  const only = async (type, filter) => {
    const { total, listed } = await client(type, 'list', { filter })
    it.equal([total, listed.length], [1, 1], `one ${type} is found by ${filter}`)
    return listed[0]
  }

  const { resource: can } = done(await client('ServiceProvider', 'load'), 200, 'what Kith can is read')
  it.equal([can.patch.supported, can.bulk.supported, can.filter.supported], [true, true, true], 'it can all of it')
  const { listed: schemas } = done(await client('Schema', 'load'), 200, 'its schemas are read and understood')
  it.equal(schemas.map(({ id }) => id).sort(), [`${CORE}:Group`, `${CORE}:User`, ENTERPRISE, TEAM].sort(), 'all four')
  const { listed: types } = done(await client('ResourceType', 'load'), 200, 'and its types of resources')
  it.equal(types.map(({ name }) => name).sort(), ['Group', 'User'], 'both')

  // Somebody new, with a manager who was there before.
  const ryan = await only('User', 'userName eq "RYAN.STONE@spaceodyssey.com"')
  const frank = user('frank.poole', {
    externalId: 'hr-2001',
    name: { givenName: 'Frank', familyName: 'Poole', formatted: 'Frank Poole' },
    displayName: 'Frank Poole',
    active: true,
    emails: [{ value: 'frank.poole@spaceodyssey.com', type: 'work', primary: true }],
    phoneNumbers: [{ value: '+1 202 555 0190', type: 'work' }],
    [ENTERPRISE]: { department: 'Flight', employeeNumber: '2001', manager: { value: ryan.id } },
  })
  frank.schemas.push(ENTERPRISE)
  const { resource: made } = done(await client('User', 'create', { body: frank }), 201, 'a user is made')
  const { manager } = made[ENTERPRISE]
  it.equal([manager.value, manager.$ref], [ryan.id, `${url}/Users/${ryan.id}`], 'with their manager')
  it.match(manager.displayName, /Ryan Stone$/, 'who has a name')
  const card = await david.find(/^FN:Frank Poole$/m)
  it.match(unfold(card.card), /^TEL[^:]*:\+1 202 555 0190$/m, 'and is on David’s phone')
  refused(await client('User', 'create', { body: user('FRANK.POOLE') }), 409, 'uniqueness', 'once')
  it.equal((await only('User', 'externalId eq "hr-2001"')).id, made.id, 'they are found by their number')
  it.equal((await only('User', 'emails[type eq "work" and value sw "frank.p"]')).id, made.id, 'and by their address')
  it.equal((await only('User', `${ENTERPRISE}:manager.value eq "${ryan.id}"`)).id, made.id, 'and by their manager')
  const { resource: read } = done(await client('User', 'get', { id: made.id }), 200, 'they are read')
  it.equal(read, made, 'as they were answered')

  // Changed by the provider, and in Kith.
  const { phoneNumbers: _, ...rest } = read
  const { resource: put } = done(
    await client('User', 'update', { id: made.id, version: read.meta.version, body: { ...rest, title: 'Pilot' } }),
    200,
    'they are replaced',
  )
  it.equal([put.title, put.phoneNumbers], ['Pilot', undefined], 'what is left out is gone')
  it.notMatch(unfold((await david.find(/^FN:Frank Poole$/m)).card), /^TEL/m, 'on the phone too')
  refused(
    await client('User', 'update', { id: made.id, version: read.meta.version, body: read }),
    412,
    undefined,
    'an older version is refused',
  )
  const { resource: patched } = done(
    await client('User', 'patch', {
      id: made.id,
      body: patch(
        { op: 'add', path: 'phoneNumbers', value: [{ value: '+1 202 555 0191', type: 'mobile' }] },
        { op: 'replace', path: 'emails[type eq "work"].value', value: 'poole@spaceodyssey.com' },
        { op: 'remove', path: `${ENTERPRISE}:manager` },
      ),
    }),
    200,
    'they are patched',
  )
  it.equal(
    [patched.phoneNumbers?.[0]?.value, patched.emails?.[0]?.value, patched[ENTERPRISE].manager],
    ['+1 202 555 0191', 'poole@spaceodyssey.com', undefined],
    'as was asked',
  )
  const moved = await david.find(/^FN:Frank Poole$/m)
  it.match(unfold(moved.card), /^EMAIL[^:]*:poole@spaceodyssey\.com$/m, 'the new address is on the phone')
  it.equal(moved.href, card.href, 'in the same card')
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  const { resource: seen } = await client('User', 'get', { id: ryan.id })
  it.ok(
    seen.phoneNumbers.some(({ value }) => value === '+1 555 0142') && seen.meta.version !== ryan.meta.version,
    'what changes in Kith is read, at a new version',
  )

  // A group is a team.
  const bowman = await only('User', 'userName eq "david.bowman@spaceodyssey.com"')
  const crew = {
    schemas: [`${CORE}:Group`, TEAM],
    displayName: 'Crew',
    [TEAM]: { description: 'Who flies' },
    members: [{ value: bowman.id }, { value: made.id, type: 'User' }],
  }
  const { resource: group } = done(await client('Group', 'create', { body: crew }), 201, 'a group is made')
  it.equal(
    group.members.map(({ value, display }) => [value, display]).sort(),
    [
      [bowman.id, 'David Bowman'],
      [made.id, 'Frank Poole'],
    ].sort(),
    'with its members',
  )
  const groupCard = unfold((await david.find(/^FN:Crew$/m)).card)
  it.match(groupCard, /^NOTE:Who flies$/m, 'it is a group card on David’s phone')
  it.equal(groupCard.match(/MEMBER[^:]*:urn:uuid:/g)?.length, 2, 'with two members')
  const { resource: member } = await client('User', 'get', { id: made.id })
  it.equal(
    member.groups?.map(({ value, display }) => [value, display]),
    [[group.id, 'Crew']],
    'Frank is told of it',
  )
  const removed = await client('Group', 'patch', {
    id: group.id,
    body: patch({ op: 'remove', path: `members[value eq "${made.id}"]` }),
  })
  done(removed, 204, 'a member is taken out')
  const renamed = { ...crew, displayName: 'Jupiter crew', members: [{ value: ryan.id }] }
  const { resource: replaced } = done(
    await client('Group', 'update', { id: group.id, body: renamed }),
    200,
    'the group is replaced',
  )
  it.equal(
    replaced.members.map(({ value }) => value),
    [ryan.id],
    'with others in it',
  )
  it.ok(!(await david.find(/^FN:(Crew|Jupiter crew)$/m)), 'so it leaves David’s phone')
  const asRyan = new Reader(server, server.ryan)
  it.ok(await asRyan.find(/^FN:Jupiter crew$/m), 'and comes to Ryan’s')

  // Out, and in again.
  const lindqvist = await only('User', `userName eq "${ZOE}"`)
  const shown = await david.find(/^EMAIL[^:]*:zoe\.lindqvist@spaceodyssey\.com$/m)
  const set = (active) =>
    client('User', 'patch', { id: lindqvist.id, body: patch({ op: 'replace', value: { active } }) })
  done(await set(false), 200, 'Zoë is deactivated')
  it.ok((await refusedAfter(zoe, 1000)) !== undefined, 'her tablet is refused within a second')
  it.ok(!(await david.cards()).has(shown.href), 'her card is gone from David’s phone')
  const { listed: inactive } = await client('User', 'list', { filter: 'active eq false' })
  it.equal(
    inactive.map(({ id }) => id),
    [lindqvist.id],
    'she alone is inactive',
  )
  done(await set(true), 200, 'she is let in again')
  it.equal((await zoe.cards()).size, 34, 'and her tablet, where Frank is new')
  it.ok((await david.cards()).has(shown.href), 'her card is where it was')

  // Many at once.
  const people = Array.from({ length: 60 }, (_, n) => ({
    path: '/Users',
    method: 'POST',
    bulkId: `person-${n}`,
    data: user(`person${String(n).padStart(2, '0')}`, { externalId: `bulk-${n}` }),
  }))
  const everybody = people.map(({ bulkId }) => ({ value: `bulkId:${bulkId}` }))
  const all = { schemas: [`${CORE}:Group`], displayName: 'All of them', members: everybody }
  const operations = [{ path: '/Groups', method: 'POST', bulkId: 'all', data: all }, ...people]
  const bulk = done(await client('Bulk', 'send', { body: operations }), 200, 'a group and 60 people are made at once')
  it.equal(new Set(bulk.resource.Operations.map(({ status }) => String(status))), new Set(['201']), 'each of them')
  const whole = await only('Group', 'displayName eq "all of them"')
  it.equal(whole.members?.length, 60, 'the group has all of them')
  const listed = []
  for (const startIndex of [1, 26, 51]) {
    const query = { filter: 'externalId sw "bulk-"', sortBy: 'userName', count: 25, startIndex }
    const page = done(await client('User', 'list', query), 200, `they are listed from ${startIndex} on`)
    it.equal(page.total, 60, 'of 60')
    listed.push(...page.listed)
  }
  const names = people.map(({ data }) => data.userName).reverse()
  it.equal(
    listed.map(({ userName }) => userName),
    names,
    'each once, in the order asked for',
  )
  const posted = await client('User', 'list', { filter: 'externalId sw "bulk-"', count: 7, post: true })
  it.equal([posted.total, posted.listed.length], [60, 7], 'or by POST')

  for (const { id } of [group, whole]) done(await client('Group', 'delete', { id }), 204, 'a group is deleted')
  for (const { id } of [made, ...listed]) await client('User', 'delete', { id })
  refused(await client('User', 'get', { id: made.id }), 404, undefined, 'who is deleted is not found')
  it.equal((await david.cards()).size, 34, 'David ends with 32 people, Julie and Project X')
})
