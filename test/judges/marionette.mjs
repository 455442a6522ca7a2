// A client of Marionette, by which Mozilla's own tests drive its programs: `LENGTH:JSON` both ways over a local socket,
// where the JSON is [0, id, command, parameters], and [1, id, error, result] for the answer.
import { connect } from 'node:net'

export class Marionette {
  #socket
  #received = Buffer.alloc(0)
  #next = 0
  /** @type {Map<number, { resolve: (result: unknown) => void, reject: (error: Error) => void }>} */
  #asked = new Map()

  /** @param {number} port on the loopback interface, where a program listens */
  static async connect(port) {
    const client = new Marionette()
    await new Promise((resolve, reject) => {
      client.#socket = connect({ host: '127.0.0.1', port }).once('connect', resolve).once('error', reject)
    })
    client.#socket.on('error', (error) => client.#end(error))
    client.#socket.on('close', () => client.#end(new Error('Marionette closed the connection')))
    client.#socket.on('data', (piece) => {
      client.#received = Buffer.concat([client.#received, piece])
      client.#read()
    })
    await client.send('WebDriver:NewSession', {})
    await client.send('Marionette:SetContext', { value: 'chrome' })
    return client
  }

  send(command, parameters) {
    const id = this.#next++
    const packet = Buffer.from(JSON.stringify([0, id, command, parameters]))
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#socket.write(Buffer.concat([Buffer.from(`${packet.length}:`), packet]))
    })
  }

  /** Runs `body`, the text of an async function with `arguments`, within the program itself; answers what it returns. */
  async execute(body, args = [], { seconds = 60 } = {}) {
    await this.send('WebDriver:SetTimeouts', { script: seconds * 1000 })
    const script = `return (async function () {${body}}).apply(null, arguments)`
    const { value } = await this.send('WebDriver:ExecuteScript', { script, args, sandbox: 'system', newSandbox: false })
    return value
  }

  close() {
    this.#socket.destroy()
  }

  #read() {
    for (;;) {
      const colon = this.#received.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#received.subarray(0, colon).toString())
      if (this.#received.length < end) return
      const packet = JSON.parse(this.#received.subarray(colon + 1, end).toString())
      this.#received = this.#received.subarray(end)
      if (!Array.isArray(packet)) continue // the greeting
      const [, id, error, result] = packet
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (error) asked?.reject(new Error(`${error.error}: ${error.message}\n${error.stacktrace}`))
      else asked?.resolve(result)
    }
  }

  #end(error) {
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }
}
