import { type Test, test } from 'tap'
import { changesNothing, hrefIn, julie, refused, vcard, withLines } from '../support/dav.ts'
import { type Device, type Running, rows, startKith } from '../support/kith.ts'

interface Scene extends Running {
  readonly organizationId: string
  readonly david: Device
  readonly zoe: Device
  readonly ryan: Device
  /** The names of their cards. */
  readonly davids: string
  readonly ryans: string
}

const running = await startKith((await import('tap')).default)
let scenes = 0

/** An organization for each rule: David, Ryan and Zoe. */
async function scene(): Promise<Scene> {
  scenes += 1
  const domain = `odyssey${scenes}.com`
  const { organization, device, cardOf } = running
  const organizationId = await organization(`Odyssey ${scenes}`, domain, ['David', 'Ryan', 'Zoe'])
  return {
    ...running,
    organizationId,
    david: await device(`david@${domain}`),
    ryan: await device(`ryan@${domain}`),
    zoe: await device(`zoe@${domain}`),
    davids: await cardOf(`david@${domain}`),
    ryans: await cardOf(`ryan@${domain}`),
  }
}

const rule = (title: string, body: (t: Test, scene: Scene) => Promise<void>) =>
  test(title, async (t) => await body(t, await scene()))

const userOf = ({ kith, david, ryan }: Scene, one: Device) =>
  kith.users.get(`${one === david ? 'david' : one === ryan ? 'ryan' : 'zoe'}@odyssey${scenes}.com`)
const text = async (device: Device, name: string) => (await device.get(name)).text
const forgetPasswords = () => new Promise((resolve) => setTimeout(resolve, 600))

rule('A PUT over a colleague’s card keeps the difference, for me alone', async (t, { david, zoe, ryan, ryans }) => {
  const base = await text(david, ryans)
  const put = await david.put(ryans, withLines(base, 'NOTE:mine'))
  t.equal(put.status, 204)
  t.match(await text(david, ryans), 'NOTE:mine')
  t.match(await text(david, ryans), `UID:${ryans.slice(0, -4)}`, 'the UID stays')
  t.equal(await text(zoe, ryans), base)
  t.equal(await text(ryan, ryans), base)
})

rule('An override’s PUT with a wrong If-Match is refused', async (t, scene) => {
  const { david, ryans, organizationId } = scene
  const base = await text(david, ryans)
  const { etag } = (await david.get(ryans)).headers
  await changesNothing(t, scene, organizationId, async () => {
    t.equal((await david.put(ryans, withLines(base, 'NOTE:1'), { 'if-match': '"x"' })).status, 412)
    t.equal((await david.put(ryans, withLines(base, 'NOTE:1'), { 'if-none-match': '*' })).status, 412)
  })
  t.equal((await david.put(ryans, withLines(base, 'NOTE:1'), { 'if-match': etag })).status, 204)
  t.equal((await david.put(ryans, withLines(base, 'NOTE:2'), { 'if-match': etag })).status, 412, 'the old tag is over')
  const now = (await david.get(ryans)).headers.etag
  await scene.kith.users.update(await userOf(scene, scene.ryan), { workPhone: '+1 555 0101' })
  t.equal((await david.put(ryans, withLines(base, 'NOTE:2'), { 'if-match': now })).status, 412, 'the base has changed')
  t.match(await text(david, ryans), 'NOTE:1')
})

rule('A PUT without If-Match of a stale copy does not record the base’s news as removals', async (t, scene) => {
  const { kith, david, ryan, ryans } = scene
  const stale = await text(david, ryans)
  await kith.users.update(await userOf(scene, ryan), { workPhone: '+1 555 0101' })
  await kith.users.update(await userOf(scene, ryan), { title: 'Engineer' })
  t.equal((await david.put(ryans, withLines(stale, 'NOTE:mine'))).status, 204)
  for (const part of ['+1 555 0101', 'Engineer', 'NOTE:mine']) t.match(await text(david, ryans), part)
  const stillStale = await text(david, ryans)
  await kith.users.update(await userOf(scene, ryan), { mobilePhone: '+1 555 0202' })
  await david.put(ryans, stillStale.replace('NOTE:mine', 'NOTE:mine 2'))
  for (const part of ['+1 555 0202', 'NOTE:mine 2']) t.match(await text(david, ryans), part)
})

rule('What I take away stays away; a value changed in the base shows again', async (t, scene) => {
  const { kith, david, ryan, ryans } = scene
  await kith.users.update(await userOf(scene, ryan), { workPhone: '+1 555 0101' })
  const { text: before, headers } = await david.get(ryans)
  const without = before.replace(/^TEL.*\r\n/im, '')
  t.not(without, before)
  await david.put(ryans, without, { 'if-match': headers.etag })
  t.notMatch(await text(david, ryans), /^TEL/im)
  await kith.users.update(await userOf(scene, ryan), { title: 'Engineer' })
  t.notMatch(await text(david, ryans), /^TEL/im)
  await kith.users.update(await userOf(scene, ryan), { workPhone: '+1 555 0199' })
  t.match(await text(david, ryans), '+1 555 0199')
})

rule('An empty difference removes the override', async (t, { david, ryans, ryan }) => {
  const { text: base, headers } = await david.get(ryans)
  await david.put(ryans, withLines(base, 'NOTE:mine'))
  t.equal((await david.put(ryans, base)).status, 204)
  const back = await david.get(ryans)
  t.strictSame([back.text, back.headers.etag], [base, headers.etag])
  t.equal((await david.delete(ryans)).status, 204, 'so a DELETE now hides')
  t.equal((await david.get(ryans)).status, 404)
  t.equal((await ryan.get(ryans)).status, 200)
})

rule('DELETE of a card with an override removes the override, once more hides the card', async (t, scene) => {
  const { david, zoe, ryans } = scene
  const base = await text(david, ryans)
  await david.put(ryans, withLines(base, 'NOTE:mine'))
  const { token } = await david.sync()
  t.equal((await david.delete(ryans)).status, 204)
  t.equal(await text(david, ryans), base)
  const shown = await david.sync(token)
  t.strictSame([[...shown.changed.keys()], shown.gone], [[david.people + ryans], []])
  t.equal((await david.delete(ryans)).status, 204)
  t.equal((await david.get(ryans)).status, 404)
  t.strictSame((await david.sync(shown.token)).gone, [david.people + ryans])
  t.notOk((await david.list()).has(david.people + ryans))
  t.equal((await david.delete(ryans)).status, 404)
  t.equal((await zoe.get(ryans)).status, 200)
})

rule('A hidden card comes back by PUT, or by unhide', async (t, scene) => {
  const { kith, david, ryans, organizationId } = scene
  const base = await text(david, ryans)
  await david.delete(ryans)
  await changesNothing(t, scene, organizationId, async () => {
    t.equal((await david.put(ryans, base, { 'if-match': '*' })).status, 412, 'there is none to match')
  })
  const { token } = await david.sync()
  const put = await david.put(ryans, withLines(base, 'NOTE:back'), { 'if-none-match': '*' })
  t.equal(put.status, 201)
  t.match(await text(david, ryans), 'NOTE:back')
  t.strictSame([...(await david.sync(token)).changed.keys()], [david.people + ryans])
  await david.delete(ryans)
  await david.delete(ryans)
  const actor = {
    organizationId,
    userId: (await userOf(scene, david)).id,
    peopleId: (await userOf(scene, david)).peopleId,
  }
  t.strictSame(await kith.contacts.hidden(actor), [{ id: ryans.slice(0, -4), name: ryans }])
  t.equal((await david.put(ryans, base)).status, 201, 'the same card, hidden, is shown by its PUT')
  t.equal(await text(david, ryans), base)
  await david.delete(ryans)
  await kith.contacts.unhide(actor, ryans.slice(0, -4))
  t.equal(await text(david, ryans), base)
})

rule('A PUT in 4.0 keeps what only 4.0 can say, and a 3.0 client loses nothing of it', async (t, { david, ryans }) => {
  const accept = { accept: 'text/vcard;version=4.0' }
  const four = (await david.get(ryans, accept)).text
  const put = await david.put(ryans, withLines(four, 'GENDER:M', 'ANNIVERSARY:20100901', 'LANG;PREF=1:fr'))
  t.equal(put.status, 204)
  for (const part of ['GENDER:M', 'ANNIVERSARY', 'LANG']) t.match((await david.get(ryans, accept)).text, part)
  const three = await text(david, ryans)
  t.match(three, 'VERSION:3.0')
  await david.put(ryans, withLines(three, 'NOTE:3'))
  for (const part of ['GENDER:M', 'ANNIVERSARY', 'LANG', 'NOTE:3']) t.match((await david.get(ryans, accept)).text, part)
  await david.put(ryans, (await david.get(ryans, accept)).text.replace(/^GENDER.*\r\n/m, ''))
  t.notMatch((await david.get(ryans, accept)).text, 'GENDER')
})

rule('Over my own profile I add; what is managed stays, and then there is no ETag', async (t, scene) => {
  const { kith, david, ryan, zoe, ryans } = scene
  await kith.users.update(await userOf(scene, ryan), { workPhone: '+1 555 0101', title: 'Engineer' })
  const mine = await text(ryan, ryans)
  const { token } = await david.sync()
  const put = await ryan.put(
    ryans,
    withLines(
      mine.replace('FN:Ryan', 'FN:Boss').replace(/^TEL.*\r\n/im, ''),
      'TEL;TYPE=HOME:+1 555 0303',
      'NOTE:hello',
    ),
  )
  t.strictSame([put.status, put.headers.etag], [204, undefined])
  const now = await text(zoe, ryans)
  for (const part of ['FN:Ryan', '+1 555 0101', '+1 555 0303', 'NOTE:hello']) t.match(now, part)
  t.notMatch(now, 'Boss')
  t.equal(await text(ryan, ryans), now)
  t.strictSame([...(await david.sync(token)).changed.keys()], [david.people + ryans])
  await kith.users.update(await userOf(scene, ryan), { workPhone: '+1 555 0102' })
  for (const part of ['+1 555 0102', '+1 555 0303', 'NOTE:hello']) t.match(await text(zoe, ryans), part)
  await changesNothing(t, scene, scene.organizationId, async () => {
    const current = await ryan.get(ryans)
    t.equal((await ryan.put(ryans, current.text, { 'if-match': current.headers.etag })).status, 204)
    t.equal((await ryan.put(ryans, current.text)).status, 204)
    t.equal((await ryan.put(ryans, current.text, { 'if-match': '"x"' })).status, 412)
  })
  const { text: last, headers } = await ryan.get(ryans)
  await ryan.put(ryans, last.replace('NOTE:hello\r\n', ''), { 'if-match': headers.etag })
  t.notMatch(await text(zoe, ryans), 'NOTE:hello', 'what I added I can take away')
})

rule(
  'DELETE of my own profile hides it from me; my layer and the others’ view stay',
  async (t, { david, zoe, davids }) => {
    const added = withLines(await text(david, davids), 'NOTE:me')
    await david.put(davids, added)
    t.equal((await david.delete(davids)).status, 204)
    t.equal((await david.get(davids)).status, 404)
    t.match(await text(zoe, davids), 'NOTE:me')
    t.equal((await david.put(davids, added)).status, 201)
    t.match(await text(david, davids), 'NOTE:me')
  },
)

rule(
  'A deleted user leaves a personal card to whoever laid something over it, under the same href',
  async (t, scene) => {
    const { kith, david, zoe, ryan, ryans } = scene
    await david.put(ryans, withLines(await text(david, ryans), 'NOTE:mine'))
    const seen = await david.get(ryans)
    await ryan.put('his.vcf', julie)
    const tokens = [(await david.sync()).token, (await zoe.sync()).token]
    await kith.users.delete(await userOf(scene, ryan))
    const left = await david.get(ryans)
    t.strictSame([left.text, left.headers.etag], [seen.text, seen.headers.etag])
    t.strictSame((await zoe.sync(tokens[1])).gone, [zoe.people + ryans])
    t.strictSame((await david.sync(tokens[0])).gone, [])
    t.equal((await zoe.get(ryans)).status, 404)
    t.equal((await zoe.put(ryans, vcard([`UID:${ryans.slice(0, -4)}`, 'FN:R']))).status, 404, 'the name stays reserved')
    const edited = seen.text.replace('NOTE:mine', 'NOTE:still mine')
    const put = await david.put(ryans, edited, { 'if-match': seen.headers.etag })
    t.strictSame([put.status, put.headers.etag !== undefined], [204, true], 'it is personal now: as sent')
    t.equal(await text(david, ryans), edited)
    t.equal((await david.delete(ryans)).status, 204)
    t.equal((await david.get(ryans)).status, 404)
    await forgetPasswords()
    t.equal((await ryan.ask('GET', ryan.people)).status, 401)
  },
)

rule(
  'Deactivation takes a card out of every book, reactivation brings it back under the same href',
  async (t, scene) => {
    const { kith, david, zoe, ryan, ryans, organizationId } = scene
    await david.put(ryans, withLines(await text(david, ryans), 'NOTE:mine'))
    const seen = await david.get(ryans)
    let [davids, zoes] = [(await david.sync()).token, (await zoe.sync()).token]
    await kith.users.setActive(await userOf(scene, ryan), false)
    for (const [one, token] of [
      [david, davids],
      [zoe, zoes],
    ] as const) {
      t.equal((await one.get(ryans)).status, 404)
      t.strictSame((await one.sync(token)).gone, [one.people + ryans])
      t.notOk((await one.list()).has(one.people + ryans))
    }
    await changesNothing(t, scene, organizationId, async () => {
      t.equal((await david.put(ryans, seen.text)).status, 404, 'an override of what is not there')
      t.equal((await david.delete(ryans)).status, 404)
      t.equal((await zoe.put(ryans, seen.text)).status, 404)
      for (const one of [david, zoe]) {
        const reused = await one.put('other.vcf', vcard([`UID:${ryans.slice(0, -4)}`, 'FN:O']))
        refused(t, reused, 404, undefined, 'its UID is reserved, and that tells nothing')
        t.equal(hrefIn(reused), undefined)
      }
    })
    ;[davids, zoes] = [(await david.sync(davids)).token, (await zoe.sync(zoes)).token]
    await kith.users.setActive(await userOf(scene, ryan), true)
    const back = await david.get(ryans)
    t.strictSame([back.text, back.headers.etag], [seen.text, seen.headers.etag])
    t.strictSame([...(await david.sync(davids)).changed.keys()], [david.people + ryans])
    t.strictSame([...(await zoe.sync(zoes)).changed.keys()], [zoe.people + ryans])
  },
)

rule('A colleague’s UID is taken, and keeps its card; the refusal says where', async (t, scene) => {
  const { david, ryans, organizationId, kith, zoe } = scene
  const id = ryans.slice(0, -4)
  const team = await kith.teams.create('Project X', await userOf(scene, zoe))
  await changesNothing(t, scene, organizationId, async () => {
    for (const uid of [id, `urn:uuid:${id}`, id.toUpperCase()]) {
      const answer = await david.put('other.vcf', vcard([`UID:${uid}`, 'FN:O']))
      refused(t, answer, 403, 'C:no-uid-conflict', uid)
      t.equal(hrefIn(answer), david.people + ryans)
    }
    const changed = await david.put(ryans, vcard(['UID:another', 'FN:R']))
    refused(t, changed, 403, 'C:no-uid-conflict', 'a changed UID')
    t.equal(hrefIn(changed), david.people + ryans)
    refused(t, await david.put('t.vcf', vcard([`UID:${team.id}`, 'FN:O'])), 404, undefined, 'of a team I am not in')
    refused(t, await david.put(`${team.id}.vcf`, vcard(['UID:x', 'FN:O'])), 404, undefined, 'its name')
    refused(t, await zoe.put('t.vcf', vcard([`UID:${team.id}`, 'FN:O'])), 403, 'C:no-uid-conflict', 'of my team')
  })
  const without = vcard(['FN:Ryan', 'NOTE:no uid'])
  t.equal((await david.put(ryans, without)).status, 204, 'a card without a UID is that card')
  t.match(await text(david, ryans), `UID:${id}`)
})

rule('Another organization’s people are nowhere, and their names and UIDs do not count', async (t, scene) => {
  const { kith, david, organizationId, organization, device, cardOf } = scene
  await organization('Elsewhere', `elsewhere${scenes}.com`, ['Eve'])
  const eve = await device(`eve@elsewhere${scenes}.com`)
  const eves = await cardOf(`eve@elsewhere${scenes}.com`)
  const team = await kith.teams.create('Theirs', await kith.users.get(`eve@elsewhere${scenes}.com`))
  const own = david.people + eves
  t.equal((await david.get(eves)).status, 404)
  t.equal((await david.get(`${team.id}.vcf`)).status, 404)
  t.notOk([...(await david.list()).keys()].some((href) => href.includes(eves.slice(0, -4)) || href.includes(team.id)))
  const inner = `<D:prop><D:getetag/></D:prop><D:href>${own}</D:href><D:href>${eve.people}${eves}</D:href>`
  const multiget = rows((await david.report(david.people, 'C:addressbook-multiget', inner)).text)
  t.strictSame(
    multiget.map(({ status }) => status),
    [404, 404],
  )
  const found = await david.report(
    david.people,
    'C:addressbook-query',
    '<D:prop><D:getetag/></D:prop><C:filter><C:prop-filter name="FN"><C:text-match>Eve</C:text-match></C:prop-filter></C:filter>',
  )
  t.equal(rows(found.text).length, 0)
  await changesNothing(t, scene, organizationId, async () => {
    for (const path of [eve.home, eve.people, eve.people + eves, `/dav/principals/${eve.home.split('/')[3]}/`]) {
      for (const method of ['PROPFIND', 'PROPPATCH', 'GET', 'PUT', 'DELETE', 'REPORT']) {
        const body =
          method === 'PUT'
            ? julie
            : method === 'PROPPATCH'
              ? '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>'
              : method === 'REPORT'
                ? '<D:sync-collection xmlns:D="DAV:"><D:sync-token/></D:sync-collection>'
                : undefined
        const { status } = await david.ask(method, path, { headers: { depth: '0' }, ...(body ? { body } : {}) })
        const notFetched = ['GET', 'PUT', 'DELETE'].includes(method) && !path.endsWith('.vcf')
        t.ok(
          status === 404 ||
            (notFetched && [403, 405].includes(status)) ||
            (method === 'REPORT' && path.endsWith('.vcf') && status === 403),
          `${method} ${path} → ${status}`,
        )
      }
    }
  })
  const { token } = await david.sync()
  await kith.users.update(await kith.users.get(`eve@elsewhere${scenes}.com`), { title: 'Spy' })
  t.equal((await david.sync(token)).changed.size, 0)
  const mine = vcard([`UID:${eves.slice(0, -4)}`, 'FN:Eve of mine'])
  t.equal((await david.put(eves, mine)).status, 201, 'the name and the UID are free here')
  t.equal(await text(david, eves), mine)
  t.notMatch(await text(eve, eves), 'of mine')
  t.equal((await david.put(`${team.id}.vcf`, vcard([`UID:${team.id}`, 'FN:T']))).status, 201)
})

rule('A team is a group card of its members', async (t, scene) => {
  const { kith, david, ryan, zoe, ryans, davids } = scene
  const users = { david: await userOf(scene, david), ryan: await userOf(scene, ryan), zoe: await userOf(scene, zoe) }
  const [before, zoeBefore] = [(await david.sync()).token, (await zoe.sync()).token]
  const team = await kith.teams.create('Project; X, "1"', users.david)
  const name = `${team.id}.vcf`
  const created = await david.sync(before)
  t.strictSame(
    [...created.changed.keys()].filter((href) => href.endsWith(name)),
    [david.people + name],
  )
  t.equal((await zoe.sync(zoeBefore)).changed.size, 0, 'outsiders hear nothing')
  const first = (await david.get(name)).headers.etag
  await kith.teams.add(team, users.ryan, 'member')
  const { text: three, headers } = await david.get(name)
  t.not(headers.etag, first, 'the ETag changes with the membership')
  t.match(three, 'VERSION:3.0')
  t.match(three, 'X-ADDRESSBOOKSERVER-KIND:group')
  t.match(three, 'FN:Project\\; X\\, "1"')
  for (const one of [davids, ryans]) t.match(three, `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${one.slice(0, -4)}\r\n`)
  const four = (await david.get(name, { accept: 'text/vcard;version=4.0' })).text
  t.match(four, 'KIND:group')
  for (const one of [davids, ryans]) t.match(four, `MEMBER:urn:uuid:${one.slice(0, -4)}\r\n`)
  t.equal((await david.list()).get(david.people + name), headers.etag)

  for (const answer of [await zoe.get(name), await zoe.delete(name), await zoe.put(name, three)])
    t.equal(answer.status, 404)
  t.notOk((await zoe.list()).has(zoe.people + name))
  const inner = `<D:prop><D:getetag/></D:prop><D:href>${zoe.people}${name}</D:href>`
  t.strictSame(
    rows((await zoe.report(zoe.people, 'C:addressbook-multiget', inner)).text).map(({ status }) => status),
    [404],
  )
  t.notOk((await zoe.sync()).changed.has(zoe.people + name))
  const fewer = three.replace(/X-ADDRESSBOOKSERVER-MEMBER.*\r\n/, '')
  refused(t, await ryan.put(name, fewer), 403, 'D:need-privileges')
  refused(t, await david.put(name, fewer), 412)

  const ryanToken = (await ryan.sync()).token
  const zoeToken = (await zoe.sync()).token
  await kith.teams.remove(team, users.ryan)
  t.ok((await ryan.sync(ryanToken)).gone.includes(ryan.people + name), 'who left hears of it once')
  t.equal((await ryan.get(name)).status, 404)
  t.notOk(
    [...(await zoe.sync(zoeToken)).gone, ...(await zoe.sync(zoeToken)).changed.keys()].includes(zoe.people + name),
  )
  t.notMatch((await david.get(name)).text, ryans.slice(0, -4))

  t.equal((await david.delete(name)).status, 204, 'DELETE hides it from me')
  t.equal((await david.get(name)).status, 404)
  t.equal((await kith.teams.members(team)).length, 1)
  const actor = { organizationId: team.organizationId, userId: users.david.id, peopleId: users.david.peopleId }
  await kith.contacts.unhide(actor, team.id)
  const token = (await david.sync()).token
  await kith.teams.delete(team)
  const after = await david.sync(token)
  t.ok(after.answer.status === 403 || after.gone.includes(david.people + name), 'the end of a team is told')
  t.equal((await david.get(name)).status, 404)
  refused(t, await david.put(name, vcard([`UID:${team.id}`, 'FN:T'])), 404, undefined, 'its name stays reserved')
})

rule('A deactivated member is not in the group card, and a reactivated one again', async (t, scene) => {
  const { kith, david, ryan, ryans } = scene
  const team = await kith.teams.create('X', await userOf(scene, david))
  await kith.teams.add(team, await userOf(scene, ryan), 'member')
  const name = `${team.id}.vcf`
  const full = await david.get(name)
  const { token } = await david.sync()
  await kith.users.setActive(await userOf(scene, ryan), false)
  t.notMatch(await text(david, name), ryans.slice(0, -4))
  t.ok((await david.sync(token)).changed.has(david.people + name))
  t.not((await david.get(name)).headers.etag, full.headers.etag)
  await kith.users.setActive(await userOf(scene, ryan), true)
  t.equal(await text(david, name), full.text)
})
