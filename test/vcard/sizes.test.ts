import t from 'tap'
import { diff } from '../../src/domain/contacts/overlay.ts'
import { parseVCard } from '../../src/vcard/index.ts'

t.test('A card of hundreds of thousands of separators is laid over a colleague in no time', async (t) => {
  const base = parseVCard('BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A\r\nN:A;;;;\r\nEND:VCARD\r\n')
  const values = {
    'empty components': `ADR:${';'.repeat(400_000)}x`,
    'empty names': `N:${';'.repeat(400_000)}x`,
    'empty values': `NICKNAME:${','.repeat(400_000)}x`,
    'components and lists, with an escape': `ADR:\\n${';,'.repeat(200_000)}x`,
    'an extension': `X-A:${';'.repeat(400_000)}x`,
  }
  for (const [title, line] of Object.entries(values)) {
    for (const version of ['3.0', '4.0']) {
      const text = `BEGIN:VCARD\r\nVERSION:${version}\r\nFN:A\r\n${line}\r\nEND:VCARD\r\n`
      const times = [1, 2, 3, 4, 5].map(() => {
        const card = parseVCard(text)
        const start = performance.now()
        diff(base, card)
        return performance.now() - start
      })
      // Made of arrays of parts, anew for each comparison, it took some 100 to 250 ms and more on a busy machine.
      t.ok(Math.min(...times) < 80, `${title}, ${version}: ${Math.round(Math.min(...times))} ms`)
    }
  }
})
