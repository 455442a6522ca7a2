import t from 'tap'
import { vcard } from '../support/dav.ts'
import { type Answer, startKith } from '../support/kith.ts'

const { organization, device, cardOf } = await startKith(t)
await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan'])
const david = await device('david@spaceodyssey.com')
const ryans = await cardOf('ryan@spaceodyssey.com')

/** Ten times what a request may keep the event loop busy without a break, in milliseconds. */
const MAX_BLOCK = 500

/**
 * The most that one turn of the event loop took meanwhile (client and server), in milliseconds of this thread's CPU: what
 * else the machine does counts for nothing.
 */
async function longestBlock(work: () => Promise<Answer>): Promise<{ answer: Answer; block: number }> {
  let block = 0
  let before = process.threadCpuUsage()
  const look = () => {
    const { user, system } = process.threadCpuUsage(before)
    before = process.threadCpuUsage()
    block = Math.max(block, (user + system) / 1_000)
  }
  const looking = setInterval(look, 1)
  const answer = await work()
  look()
  clearInterval(looking)
  return { answer, block }
}

const many = (times: number, line: (at: number) => string): string[] =>
  Array.from({ length: times }, (_, at) => line(at))
const CARDS: Record<string, string[]> = {
  '400,000 components': [`ADR:${';'.repeat(400_000)}x`],
  '400,000 parts and an escape': [`ADR:\\n${';,'.repeat(200_000)}x`],
  '400,000 parts of a name': [`N:${';'.repeat(400_000)}x`],
  '400,000 parts of an extension': [`X-A:${';'.repeat(400_000)}x`],
  '400,000 nicknames': [`NICKNAME:${','.repeat(400_000)}x`],
  '100,000 properties of one name': many(100_000, (at) => `TEL:+33 ${at}`),
  '100,000 properties of names of their own': many(100_000, (at) => `X-${at}:x`),
  '100,000 properties in groups': many(50_000, (at) => `i${at}.TEL:${at}\r\ni${at}.X-ABLABEL:l${at}`),
  'one line of 5 MB': [`NOTE:${'x'.repeat(5_000_000)}`],
  'one line of 5 MB, not ASCII': [`NOTE:${'é'.repeat(2_500_000)}`],
  'one line of 5 MB of escapes': [`NOTE:${'\\n'.repeat(2_500_000)}`],
  'a photo of 5 MB': [`PHOTO;ENCODING=b;TYPE=JPEG:${'Abcd'.repeat(1_250_000)}`],
  '2,500 members': many(2_500, (at) => `MEMBER:urn:uuid:00000000-0000-4000-8000-${String(at).padStart(12, '0')}`),
  '5,000 parameters': [`TEL${many(5_000, (at) => `;X-${at}=${at}`).join('')}:+33`],
  '5,000 types': [`TEL${many(5_000, (at) => `;TYPE=t${at}`).join('')}:+33`],
  '400,000 values of a parameter': [`TEL;X-A=${many(400_000, (at) => `${at}`).join(',')}:+33`],
}

t.test('A card of any shape, one’s own or over a colleague’s, does not stop the others', async (t) => {
  for (const [what, lines] of Object.entries(CARDS)) {
    for (const version of ['3.0', '4.0']) {
      for (const name of version === '3.0' ? ['own.vcf', ryans] : [ryans]) {
        const uid = name === ryans ? ryans.slice(0, -4) : 'own'
        const text = vcard([`UID:${uid}`, 'FN:A', ...lines], version)
        const { answer, block } = await longestBlock(() => david.put(name, text))
        const whose = name === ryans ? 'over a colleague’s' : 'own'
        t.ok([201, 204].includes(answer.status), `${what}, ${version}, ${whose}: ${answer.status}`)
        t.ok(block < MAX_BLOCK, `${what}, ${version}, ${whose}: ${Math.round(block)} ms`)
      }
      await david.delete('own.vcf')
      await david.delete(ryans)
    }
  }
})
