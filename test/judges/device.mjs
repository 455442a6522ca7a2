// A computer that keeps its contacts in files, as vdirsyncer (Debian's) fetches them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, unfold } from './support.mjs'

/** A computer with vdirsyncer: a folder of cards, kept in step with the server. */
export class Device {
  constructor(judge, name, { url }, { username, password }) {
    this.root = join(judge.directory, name)
    this.contacts = join(this.root, 'contacts')
    this.folder = join(this.contacts, 'people')
    this.config = join(this.root, 'config')
    mkdirSync(this.root)
    const quoted = (text) => JSON.stringify(text)
    writeFileSync(
      this.config,
      `[general]
status_path = ${quoted(join(this.root, 'status'))}
[pair kith]
a = "device"
b = "server"
collections = ["from b"]
[storage device]
type = "filesystem"
path = ${quoted(this.contacts)}
fileext = ".vcf"
[storage server]
type = "carddav"
url = ${quoted(`${url}/`)}
username = ${quoted(username)}
password = ${quoted(password)}
`,
    )
  }

  vdirsyncer(command, options = {}) {
    // Its discovery asks before it makes a folder.
    return run('/usr/bin/vdirsyncer', ['--config', this.config, command], { input: 'y\n'.repeat(9), ...options })
  }

  async sync() {
    return await this.vdirsyncer('sync')
  }

  async discover() {
    return await this.vdirsyncer('discover')
  }

  files() {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.vcf'))
      .map((name) => ({ path: join(this.folder, name), name, card: readFileSync(join(this.folder, name), 'utf8') }))
  }

  find(pattern) {
    return this.files().find(({ card }) => pattern.test(unfold(card)))
  }

  read(pattern) {
    return unfold(this.find(pattern)?.card ?? '')
  }
}
