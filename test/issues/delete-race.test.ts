import t from 'tap'
import { startKith } from '../support/kith.ts'

t.test('of parallel DELETEs with one ETag one takes my layer away, and none hides the card', async (t) => {
  const { organization, device, cardOf } = await startKith(t)
  await organization('O', 'o.example', ['Ann Lee', 'Bob May'])
  const ann = await device('ann.lee@o.example')
  const name = await cardOf('bob.may@o.example')
  for (let round = 0; round < 8; round += 1) {
    const base = await ann.get(name)
    await ann.put(name, base.text.replace('END:VCARD', 'NOTE:mine\r\nEND:VCARD'), { 'if-match': base.headers.etag })
    const etag = (await ann.get(name)).headers.etag
    const answers = await Promise.all([1, 2, 3].map(() => ann.delete(name, { 'if-match': etag })))
    t.strictSame(answers.map(({ status }) => status).sort(), [204, 412, 412])
    t.equal((await ann.get(name)).text, base.text)
  }
})
