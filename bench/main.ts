import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { run, stopAll } from '../test/lab/process.ts'
import { attempts } from './attempts.ts'
import { flood } from './flood.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { openings } from './openings.ts'
import { ordinary } from './ordinary.ts'
import { tableText } from './row.ts'
import type { Measure, Row } from './row.ts'
import { starting } from './start.ts'
import { users } from './users.ts'
import { spa } from './spa.ts'
import { removeWorlds } from './world.ts'

const MEASURES: Readonly<Record<string, Measure>> = {
  latency,
  flood,
  openings,
  attempts,
  ordinary,
  users,
  start: starting,
  idle,
  spa,
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
  strict: true,
})
const unknown = positionals.find((name) => !(name in MEASURES))
if (unknown !== undefined) {
  console.error(`bench: no measure ${unknown}\n  there are ${Object.keys(MEASURES).join(', ')}`)
  process.exit(2)
}

let ending = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    ending = true
    void stopAll()
      .then(removeWorlds)
      .then(() => process.exit(130))
  })
}

const machine = await facts()
const rows: Row[] = []
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(MEASURES)) {
    rows.push(...(await MEASURES[name]!({ quick: values.quick, say: (text) => console.error(`bench: ${text}`) })))
  }
} finally {
  if (!ending) await removeWorlds()
}
if (values.json) console.log(JSON.stringify({ machine, quick: values.quick, rows }, undefined, 2))
else console.log(`${machine}\n\n${tableText(rows)}`)

/** What was measured on, and what with. */
async function facts(): Promise<string> {
  const { stdout } = await run([
    'dpkg-query',
    '-W',
    '-f',
    '${Package} ${Version}, ',
    'knockd',
    'fwknop-server',
    'tcpreplay',
  ])
  const processors = cpus()
  return `Linux ${release()}, ${processors.length} x ${processors[0]?.model ?? 'unknown'}, Node ${process.version}, ${stdout.replace(/, $/, '')}`
}
