export { type Embedded, openEmbedded, startEmbedded } from './embedded.ts'
export { type Database, type DatabaseSettings, migrate, openDatabase } from './orm.ts'
export { createStore } from './store.ts'
