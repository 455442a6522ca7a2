export { type Embedded, openEmbedded, startEmbedded } from './embedded.ts'
export { type Database, type DatabaseSettings, migrate, openDatabase, type Preparation } from './orm.ts'
export { createStore } from './store.ts'
