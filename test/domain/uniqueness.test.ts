import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

const AT_ONCE = 20

async function start(t: Test) {
  const database = await testDatabase()
  const world = await openWorld(database.url, { people: 3, followed: 0 })
  t.teardown(async () => {
    await world.close()
    await database.drop()
  })
  const [ann, ben] = world.people as [User, User, User] // as many as asked for
  return { database, world, ann, ben }
}

/** How many of them succeeded, and with which codes the others were refused. */
async function race(one: (at: number) => Promise<unknown>): Promise<{ won: number; codes: string[] }> {
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, (_, at) => one(at)))
  const codes = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason.code)] : []))
  return { won: AT_ONCE - codes.length, codes: [...new Set(codes)] }
}

t.test('a userName is one person’s in the organization, whatever its case or form', async (t) => {
  const { world, ann } = await start(t)
  const forms = ['zoë@x.example', 'ZOË@x.example', 'zoe\u0308@x.example', 'Zoë@X.example']
  const made = await race((at) =>
    world.users.create(ann.organizationId, { name: 'Zoë', email: forms[at % forms.length] ?? '' }),
  )
  t.strictSame(made, { won: 1, codes: ['already-exists'] })
  await t.rejects(world.users.update(ann, { email: 'ZOË@x.example' }), { code: 'already-exists' })
  const { id } = await world.organizations.create({ name: 'Explorer', domains: [] })
  t.ok(await world.users.create(id, { name: 'Zoë', email: 'zoë@x.example' }), 'another organization’s never count')
})

t.test('a domain is one organization’s', async (t) => {
  const { world } = await start(t)
  const domains = ['one.example', 'two.example']
  const made = await race((at) =>
    world.organizations.create({ name: `Org ${at}`, domains: at % 2 === 0 ? domains : domains.toReversed() }),
  )
  t.strictSame(made, { won: 1, codes: ['domain-taken'] })
  t.equal((await world.organizations.list()).length, 2, 'a refused one leaves nothing behind')
  await t.rejects(world.organizations.create({ name: 'x', domains: ['ONE.example '] }), { code: 'domain-taken' })
  const ids = await race((at) => world.organizations.create({ name: `${at}`, domains: [], registrationIds: ['R1'] }))
  t.strictSame(ids, { won: 1, codes: ['domain-taken'] })
})

t.test('a public mail domain is nobody’s', async (t) => {
  const { world } = await start(t)
  for (const domain of ['gmail.com', 'GMail.com', ' outlook.com ']) {
    await t.rejects(world.organizations.create({ name: 'x', domains: [domain] }), { code: 'public-domain' })
  }
  for (const domain of ['', 'x', 'a b.example', 'a..example', 'a@b.example', '*.example']) {
    await t.rejects(world.organizations.create({ name: 'x', domains: [domain] }), { code: 'invalid-data' })
  }
})

t.test('one override for an owner and a base, one card for a name, and one for a UID', async (t) => {
  const { world, database, ann, ben } = await start(t)
  const actor = actorOf(ann)
  const base = await world.addressBooks.card(actor, ann.peopleId, `${ben.profileId}.vcf`, '4.0')
  const put = (name: string, text: string, condition = {}) =>
    world.contacts.put(actor, ann.peopleId, name, Buffer.from(text), condition)
  const laid = await race((at) =>
    put(`${ben.profileId}.vcf`, (base?.card?.text ?? '').replace('END:', `NOTE:${at}\r\nEND:`)),
  )
  t.strictSame(laid, { won: AT_ONCE, codes: [] }, 'without a condition the last one wins')
  const conditional = await race((at) =>
    put(`${ben.profileId}.vcf`, (base?.card?.text ?? '').replace('END:', `NOTE:x${at}\r\nEND:`), { noneMatch: 'any' }),
  )
  t.strictSame(conditional, { won: 0, codes: ['precondition-failed'] })
  const personal = (uid: string, note: number) =>
    `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:Julie\r\nN:;;;;\r\nNOTE:${note}\r\nEND:VCARD\r\n`
  const first = await race((at) => put('julie.vcf', personal('julie', at), { noneMatch: 'any' }))
  t.strictSame(first, { won: 1, codes: ['precondition-failed'] })
  const uids = await race((at) => put(`${at}.vcf`, personal('same', at)))
  t.strictSame(uids, { won: 1, codes: ['uid-conflict'] })
  const view = await world.addressBooks.card(actor, ann.peopleId, 'julie.vcf', 'none')
  const match = { match: [view?.etag ?? ''] }
  t.strictSame(await race((at) => put('julie.vcf', personal('julie', at + 100), match)), {
    won: 1,
    codes: ['precondition-failed'],
  })
  const client = new pg.Client(database.url)
  await client.connect()
  const { rows } = await client.query(
    `select kind, count(*)::int from contact where owner_id = $1 group by 1 order by 1`,
    [ann.id],
  )
  await client.end()
  t.strictSame(
    rows.map(({ kind, count }) => [kind, count]),
    [
      ['override', 1],
      ['personal', 2],
      ['profile', 1],
    ],
  )
})

t.test('the database itself refuses', async (t) => {
  const { world, database, ann, ben } = await start(t)
  const client = new pg.Client(database.url)
  await client.connect()
  t.teardown(() => client.end())
  const organization = ann.organizationId
  const elsewhere = (await world.organizations.create({ name: 'Explorer', domains: [] })).id
  const contact = (values: Record<string, unknown>) => {
    const row = {
      organization_id: organization,
      id: randomUUID(),
      kind: 'personal',
      owner_id: ann.id,
      book_id: ann.peopleId,
      name: `${randomUUID()}.vcf`,
      uid: randomUUID(),
      version: '3.0',
      text: '',
      etag: 'e',
      ...values,
    }
    return insert('contact', row)
  }
  const insert = (table: string, row: Record<string, unknown>) =>
    client.query(
      `insert into ${table} (${Object.keys(row)}) values (${Object.keys(row).map((_, at) => `$${at + 1}`)})`,
      Object.values(row),
    )
  const over = (base: string, kind = 'profile') => ({
    kind: 'override',
    base_organization_id: organization,
    base_id: base,
    base_kind: kind,
    layer: '{}',
  })
  const actor = actorOf(ann)
  const base = await world.addressBooks.card(actor, ann.peopleId, `${ben.profileId}.vcf`, '4.0')
  const text = (base?.card?.text ?? '').replace('END:', 'NOTE:mine\r\nEND:')
  await world.contacts.put(actor, ann.peopleId, `${ben.profileId}.vcf`, Buffer.from(text))
  const { rows } = await client.query<{ id: string }>(`select id from contact where kind = 'override'`)
  const override = rows[0]?.id ?? ''
  const personal = randomUUID()
  await contact({ id: personal, name: 'mine.vcf', uid: 'mine' })
  const own = randomUUID()
  const refusals: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ['an override of itself', '23514', () => contact({ id: own, ...over(own) })],
    ['an override of an override', '23503', () => contact(over(override))],
    ['an override that calls an override a profile', '23514', () => contact(over(override, 'override'))],
    ['an override of a personal card', '23503', () => contact(over(personal))],
    ['an override of nothing', '23503', () => contact(over(randomUUID()))],
    ['an override without an owner', '23514', () => contact({ ...over(ben.profileId), owner_id: null })],
    ['an override without a layer', '23514', () => contact({ ...over(ben.profileId), layer: null })],
    ['an override without a base', '23514', () => contact({ kind: 'override', layer: '{}' })],
    ['an override without a book', '23514', () => contact({ ...over(ben.profileId), book_id: null })],
    ['a second override of the same owner and base', '23505', () => contact(over(ben.profileId))],
    ['a second profile', '23505', () => contact({ kind: 'profile', book_id: null, managed: '' })],
    ['a profile without managed lines', '23514', () => contact({ kind: 'profile', book_id: null })],
    ['a profile in a book', '23514', () => contact({ kind: 'profile', managed: '' })],
    ['a profile of nobody', '23514', () => contact({ kind: 'profile', book_id: null, managed: '', owner_id: null })],
    [
      'a profile over a base',
      '23514',
      () => contact({ ...over(ben.profileId), kind: 'profile', book_id: null, managed: '' }),
    ],
    ['a personal card of nobody', '23514', () => contact({ owner_id: null })],
    ['a personal card without a book', '23514', () => contact({ book_id: null })],
    ['a personal card over a base', '23514', () => contact({ ...over(ben.profileId), kind: 'personal' })],
    [
      'a directory entry with an owner',
      '23514',
      () => contact({ kind: 'directory', book_id: null, directory_id: own }),
    ],
    ['a directory entry of no directory', '23514', () => contact({ kind: 'directory', book_id: null, owner_id: null })],
    ['another kind', '23514', () => contact({ kind: 'group' })],
    ['another version', '23514', () => contact({ version: '2.1' })],
    ['an empty name', '23514', () => contact({ name: '' })],
    ['a name of more than 255 bytes', '23514', () => contact({ name: 'é'.repeat(128) })],
    ['an empty UID', '23514', () => contact({ uid: '' })],
    ['a name twice in a book', '23505', () => contact({ name: 'mine.vcf' })],
    ['a UID twice in a book', '23505', () => contact({ uid: 'mine' })],
    ['an owner of another organization', '23503', () => contact({ organization_id: elsewhere })],
    ['a userName twice', '23505', () => client.query(`update "user" set user_name_key = 'same'`)],
    [
      'a domain that is not in lower case',
      '23514',
      () => insert('organization_domain', { domain: 'X.example', organization_id: organization }),
    ],
    [
      'a domain twice',
      '23505',
      () => insert('organization_domain', { domain: 'spaceodyssey.com', organization_id: elsewhere }),
    ],
    [
      'a second book of a name',
      '23505',
      () =>
        insert('address_book', {
          organization_id: organization,
          id: own,
          owner_id: ann.id,
          name: 'people',
          display_name: '',
        }),
    ],
    [
      'a member of another organization',
      '23503',
      () => insert('membership', { organization_id: elsewhere, team_id: own, user_id: ann.id, role: 'owner' }),
    ],
    ['a stream below its floor', '23514', () => client.query('update stream set floor_revision = revision + 1')],
    ['a scope of another name', '23514', () => client.query(`update "user" set scope = 'x'`)],
  ]
  for (const [title, code, attempt] of refusals) await t.rejects(attempt(), { code }, title)
  const team = await world.teams.create('Project X', ann)
  await t.rejects(client.query('update team set parent_id = id'), { code: '23514' }, 'a team that is its own parent')
  await t.rejects(client.query('update team set member_count = -1'), { code: '23514' }, 'fewer members than none')
  await t.rejects(
    insert('membership', { organization_id: organization, team_id: team.id, user_id: ben.id, role: 'king' }),
    { code: '23514' },
    'another role',
  )
  await t.rejects(
    insert('membership', { organization_id: organization, team_id: team.id, user_id: ann.id, role: 'owner' }),
    { code: '23505' },
    'a membership twice',
  )
})
