import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { type IssuerPolicy, type SignInClaims, SignInService } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openServices } from '../support/services.ts'

const ISSUER = 'https://id.example'
const ALL: IssuerPolicy = { organizations: '*', subStable: true }
const AT_ONCE = 20

const david = (more: Partial<SignInClaims> = {}): SignInClaims => ({
  issuer: ISSUER,
  sub: 'david',
  email: 'David.Bowman@SpaceOdyssey.com',
  emailVerified: true,
  name: 'David Bowman',
  ...more,
})

/** Space Odyssey (registration id 2001) and Explorer. */
async function start(t: Test) {
  const database = await testDatabase()
  const services = await openServices(database.url)
  t.teardown(async () => {
    await services.close()
    await database.drop()
  })
  const { store, organizations, users } = services
  const odyssey = await organizations.create({
    name: 'Space Odyssey',
    domains: ['spaceodyssey.com'],
    registrationIds: ['2001'],
  })
  const explorer = await organizations.create({
    name: 'Explorer',
    domains: ['explorer.org'],
    registrationIds: ['2013'],
  })
  const service = new SignInService(store)
  const signIn = async (claims: SignInClaims, policy = ALL) => {
    const result = await service.signIn(claims, policy)
    return 'refused' in result ? result.refused : result.user
  }
  /** Who was let in; a refusal fails the test. */
  const letIn = async (claims: SignInClaims, policy = ALL) => {
    const user = await signIn(claims, policy)
    if (typeof user === 'string') throw new Error(`refused: ${user}`)
    return user
  }
  const count = async () => (await Array.fromAsync(users.list())).length
  return { ...services, odyssey, explorer, signIn, letIn, count }
}

const provisioned = (userName: string, email: string) => ({
  userName,
  isActive: true,
  attributes: { displayName: 'As SCIM says', emails: [{ value: email, type: 'work' }], title: 'Commander' },
})

t.test('the organization is matched exactly', async (t) => {
  const { signIn, letIn, odyssey, explorer, organizations, count } = await start(t)
  t.equal((await letIn(david())).organizationId, odyssey.id, 'by the verified e-mail’s whole domain, in any case')
  t.equal(
    (await letIn(david({ sub: 'r', email: 'r@unknown.example', registrationId: '2013' }))).organizationId,
    explorer.id,
    'by registration id first',
  )
  t.equal(
    (await letIn(david({ sub: 'u', email: 'u@explorer.org', registrationId: '9999' }))).organizationId,
    explorer.id,
    'by the domain where no organization has the registration id',
  )
  const before = await count()
  const refused: readonly [string, Partial<SignInClaims>][] = [
    ['a domain within the domain', { email: 'x@mail.spaceodyssey.com' }],
    ['a domain that ends alike', { email: 'x@notspaceodyssey.com' }],
    ['a domain that begins alike', { email: 'x@spaceodyssey.com.evil.example' }],
    ['a registration id that begins alike', { email: 'x@evil.example', registrationId: '20' }],
    ['a public domain', { email: 'x@gmail.com' }],
  ]
  for (const [name, claims] of refused)
    t.equal(await signIn(david({ sub: name, ...claims })), 'unknown-organization', name)
  t.equal(await signIn(david({ sub: 'n', emailVerified: false })), 'nothing-verified', 'an e-mail that is not verified')
  t.equal(
    await signIn(david({ sub: 'two', registrationId: '2013' })),
    'two-organizations',
    'two different matches are refused',
  )
  t.strictSame([await count(), (await organizations.list()).length], [before, 2], 'a refusal changes nothing')
})

t.test('an issuer signs in the organizations that the settings name for it', async (t) => {
  const { signIn, letIn, odyssey, explorer } = await start(t)
  const policy = { organizations: [explorer.id], subStable: true }
  t.equal(await signIn(david(), policy), 'issuer-not-allowed')
  t.match(await letIn(david({ email: 'd@explorer.org' }), policy), { organizationId: explorer.id })
  const both = { organizations: [explorer.id, odyssey.id], subStable: true }
  await letIn(david({ sub: 'known' }), both)
  t.equal(await signIn(david({ sub: 'known' }), policy), 'issuer-not-allowed', 'somebody it has signed in before, too')
})

t.test('ORGANIZATION_AUTO_CREATE makes an organization of an unknown domain, once', async (t) => {
  const { store, organizations, users } = await start(t)
  const service = new SignInService(store, { autoCreate: true })
  const email = (at: number) => `p${at}@new.example`
  const results = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, at) => service.signIn(david({ sub: `p${at}`, email: email(at) }), ALL)),
  )
  t.equal(results.filter((result) => 'user' in result).length, AT_ONCE)
  const [made, ...others] = (await organizations.list()).filter(({ domains }) => domains.includes('new.example'))
  t.equal(others.length, 0)
  t.equal((await Array.fromAsync(users.list(made?.id))).length, AT_ONCE)
  const refused: readonly [string, Partial<SignInClaims>, IssuerPolicy][] = [
    ['of a public domain, never', { email: 'x@gmail.com' }, ALL],
    ['of an e-mail that is not verified, never', { email: 'x@other.example', emailVerified: false }, ALL],
    [
      'for an issuer of some organizations, never',
      { email: 'x@other.example' },
      { organizations: [], subStable: true },
    ],
  ]
  for (const [name, claims, policy] of refused) {
    t.hasProp(await service.signIn(david({ sub: 'x', ...claims }), policy), 'refused', name)
  }
})

t.test('a known sub is its user', async (t) => {
  const { signIn, letIn, odyssey, explorer, users, organizations, count } = await start(t)
  const user = await letIn(david())
  t.equal((await letIn(david())).id, user.id)
  t.equal((await letIn({ issuer: ISSUER, sub: 'david', emailVerified: false })).id, user.id, 'without any other claim')
  t.equal((await letIn(david({ email: 'david@unknown.example' }))).id, user.id, 'with an e-mail of no organization')
  t.equal(await signIn(david({ email: 'd@explorer.org' })), 'other-organization', 'a match of another is refused')
  t.equal(await signIn(david({ email: 'd@x.example', registrationId: '2013' })), 'other-organization')
  const elsewhere = await letIn(david({ issuer: 'https://other.example', sub: 'david', email: 'd@explorer.org' }))
  t.not(elsewhere.id, user.id, 'the same sub of another issuer is somebody else')
  await users.setActive(user, false)
  t.equal(await signIn(david()), 'user-inactive', 'somebody deactivated is refused')
  await users.setActive(user, true)
  t.equal((await letIn(david())).id, user.id, 'and let in once they are active again')
  await organizations.setActive(odyssey.id, false)
  t.equal(await signIn(david()), 'organization-inactive', 'an inactive organization lets nobody in')
  await organizations.setActive(explorer.id, false)
  t.equal(await signIn(david({ sub: 'new', email: 'n@explorer.org' })), 'organization-inactive')
  t.equal(await count(), 2)
})

t.test('shared equipment does not sign in to the web', async (t) => {
  const { signIn, letIn, database } = await start(t)
  const user = await letIn(david())
  await database.pool.query('update "user" set is_device = true where id = $1', [user.id])
  t.equal(await signIn(david()), 'device')
})

t.test('the fallback to e-mail links who has no sub of the issuer yet', async (t) => {
  const { signIn, letIn, odyssey, explorer, users, count } = await start(t)
  const said = provisioned('emp-1', 'david.bowman@spaceodyssey.com')
  const user = await users.provision(odyssey.id, said)
  await users.provision(explorer.id, said)
  t.equal(await signIn(david({ emailVerified: false })), 'nothing-verified', 'by a verified e-mail alone')
  const linked = await letIn(david())
  t.equal(linked.id, user.id, 'of the matched organization, in any case')
  t.match(linked.attributes, { displayName: 'As SCIM says', title: 'Commander' }, 'what others wrote stays')
  t.equal((await letIn(david({ email: 'moved@spaceodyssey.com' }))).id, user.id, 'from then on the sub says who it is')
  t.equal(
    await signIn(david({ sub: 'another', email: 'moved@spaceodyssey.com' })),
    'other-sub',
    'and is never relinked',
  )
  t.equal(
    (await letIn(david({ issuer: 'https://other.example', email: 'moved@spaceodyssey.com' }))).id,
    user.id,
    'a sub of another issuer is linked beside it',
  )
  for (const name of ['twin-1', 'twin-2']) {
    await users.provision(odyssey.id, provisioned(name, 'twin@spaceodyssey.com'))
  }
  t.equal(await signIn(david({ sub: 't', email: 'twin@spaceodyssey.com' })), 'two-users', 'more than one match refuses')
  const gone = await users.provision(odyssey.id, provisioned('gone', 'gone@spaceodyssey.com'))
  await users.setActive(gone, false)
  t.equal(
    await signIn(david({ sub: 'g', email: 'gone@spaceodyssey.com' })),
    'user-inactive',
    'nobody is made beside them',
  )
  t.equal(await count(), 5)
})

t.test('OIDC_SUB_STABLE=false: the verified e-mail identifies, every time', async (t) => {
  const { signIn, letIn, store, count } = await start(t)
  const unstable = { organizations: '*', subStable: false } as const
  const user = await letIn(david(), unstable)
  t.equal((await letIn(david({ sub: 'next' }), unstable)).id, user.id)
  const ryan = await letIn(david({ email: 'ryan.stone@spaceodyssey.com' }), unstable)
  t.not(ryan.id, user.id, 'a sub that comes again with another e-mail is that other person')
  t.match(await store.identities.find({ issuer: ISSUER, sub: 'david' }), { userId: ryan.id })
  t.match(await store.identities.find({ issuer: ISSUER, sub: 'next' }), { userId: user.id })
  t.equal(await signIn(david({ emailVerified: false }), unstable), 'nothing-verified')
  const elsewhere = david({ email: 'david@explorer.org' })
  t.equal(await signIn(elsewhere, unstable), 'other-organization', 'only the command line moves a user')
  t.match(await store.identities.find({ issuer: ISSUER, sub: 'david' }), { userId: ryan.id })
  t.equal(await count(), 2)
})

t.test('a first login turns invitations into memberships, whatever the e-mail’s domain', async (t) => {
  const { letIn, signIn, users, teams, invitations, odyssey } = await start(t)
  const ryan = await users.create(odyssey.id, { name: 'Ryan Stone', email: 'ryan@spaceodyssey.com' })
  const team = await teams.create('Project X', ryan)
  const invite = (email: string) => invitations.invite(actorOf(ryan), team.id, { email, role: 'administrator' })
  const roleOf = async (id: string) => (await teams.members(team)).find(({ userId }) => userId === id)?.role
  await invite('david.bowman@spaceodyssey.com')
  await invite('frank@outside.example')
  t.equal(await signIn(david({ sub: 'x', emailVerified: false })), 'nothing-verified')
  const own = await letIn(david())
  t.equal(await roleOf(own.id), 'administrator')
  const frank = { sub: 'frank', email: 'Frank@Outside.example', registrationId: '2001' }
  const unverified = await letIn(david({ ...frank, sub: 'mallory', emailVerified: false }))
  t.equal(await roleOf(unverified.id), undefined, 'an e-mail that is not verified brings nobody in')
  const outside = await letIn(david(frank))
  t.equal(await roleOf(outside.id), 'administrator', 'a verified one does')
  t.strictSame(await invitations.list(actorOf(ryan), team.id, '', 100), [])
})

t.test('the first login makes the user and their profile', async (t) => {
  const { letIn, addressBooks, users } = await start(t)
  const user = await letIn(david({ givenName: 'David', familyName: 'Bowman', locale: 'en-GB' }))
  t.match(user, { userName: 'David.Bowman@SpaceOdyssey.com', isStaff: false, isDevice: false, isActive: true })
  t.match(user.attributes, { locale: 'en-GB', name: { givenName: 'David', familyName: 'Bowman' } })
  const actor = { organizationId: user.organizationId, userId: user.id, peopleId: user.peopleId }
  const found = await addressBooks.card(actor, user.peopleId, `${user.profileId}.vcf`, '4.0')
  t.match(found?.card?.text, /\r\nFN:David Bowman\r\n/)
  t.match(found?.card?.text, /\r\nN:Bowman;David;/)
  const unnamed = await letIn({
    issuer: ISSUER,
    sub: 'ceo@spaceodyssey.com',
    emailVerified: false,
    registrationId: '2001',
  })
  t.match(unnamed, { userName: unnamed.id, email: '' }, 'a sub is taken for no e-mail')
  const odd = await letIn(
    david({ sub: 'odd', email: 'odd@spaceodyssey.com', name: `A\r\nB${'x'.repeat(999)}`, locale: '<b>' }),
  )
  t.match(
    odd.attributes,
    { displayName: /^A Bx+$/, locale: undefined },
    'a claim that no card can have keeps nobody out',
  )
  t.match(await users.get('odd@spaceodyssey.com'), { id: odd.id })
})

t.test('later logins write what the issuer changed', async (t) => {
  const { letIn, users } = await start(t)
  const first = await letIn(david({ givenName: 'David', familyName: 'Bowman', locale: 'en' }))
  const same = await letIn(david({ givenName: 'David', familyName: 'Bowman', locale: 'en' }))
  t.equal(same.revision, first.revision, 'nothing changed, so nothing is written')
  const renamed = await letIn(david({ name: 'Dave Bowman', email: 'dave@spaceodyssey.com' }))
  t.match(renamed, { email: 'dave@spaceodyssey.com', userName: 'dave@spaceodyssey.com' })
  t.match(renamed.attributes, { displayName: 'Dave Bowman', locale: 'en', name: { familyName: 'Bowman' } })
  const silent = await letIn({ issuer: ISSUER, sub: 'david', emailVerified: false })
  t.strictSame(silent.attributes, renamed.attributes, 'a claim that is absent erases nothing')
  t.equal(silent.email, renamed.email)
  const unverified = await letIn(david({ name: 'Dave Bowman', email: 'boss@spaceodyssey.com', emailVerified: false }))
  t.equal(unverified.email, 'dave@spaceodyssey.com', 'an e-mail that is not verified is absent')
  await users.amend(first.organizationId, first.id, (now) => ({
    ...now,
    attributes: { ...now.attributes, displayName: 'Commander Bowman' },
  }))
  const kept = await letIn(david({ name: 'Dave Bowman', email: 'dave@spaceodyssey.com' }))
  t.equal(
    kept.attributes.displayName,
    'Commander Bowman',
    'what others wrote since stays while the issuer says the same',
  )
  await letIn(david({ sub: 'ryan', email: 'ryan.stone@spaceodyssey.com', name: 'Ryan' }))
  const clash = await letIn(david({ email: 'ryan.stone@spaceodyssey.com' }))
  t.equal(clash.email, 'dave@spaceodyssey.com', 'an e-mail that identifies a colleague is not taken')
})

t.test('20 first logins at once make one user', async (t) => {
  const { letIn, count, odyssey, users } = await start(t)
  const at = (sub: string, email: string) =>
    Promise.all(Array.from({ length: AT_ONCE }, () => letIn(david({ sub, email }))))
  t.equal(new Set((await at('david', 'david@spaceodyssey.com')).map(({ id }) => id)).size, 1)
  const { id } = await users.provision(odyssey.id, provisioned('emp', 'ryan@spaceodyssey.com'))
  t.strictSame([...new Set((await at('ryan', 'ryan@spaceodyssey.com')).map((user) => user.id))], [id], 'and link one')
  const bare = { issuer: ISSUER, sub: randomUUID(), emailVerified: false, registrationId: '2001' }
  const without = await Promise.all(Array.from({ length: AT_ONCE }, () => letIn(bare)))
  t.equal(new Set(without.map((user) => user.id)).size, 1, 'without an e-mail too')
  t.equal(await count(), 3)
})

t.test('20 subs of one issuer that come with one e-mail at once: one is linked', async (t) => {
  const { signIn, count } = await start(t)
  const results = await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => signIn(david({ sub: `s${at}` }))))
  t.equal(results.filter((result) => typeof result !== 'string').length, 1)
  t.strictSame([...new Set(results.filter((result) => typeof result === 'string'))], ['other-sub'])
  t.equal(await count(), 1)
})
