// node bench/report.mjs: writes again what the last run gave (out/results.json), without measuring.
import { publish } from './lib/publish.mjs'

await publish()
