export { Unavailable } from './answer.ts'
export { isGood, jsonOf, lineOf, summaryOf } from './report.ts'
export { check } from './run.ts'
