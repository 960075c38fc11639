import { parseArgs } from 'node:util'
import { stopAll } from '../test/lab/process.ts'
import { PROJECT } from '../test/lab/project.ts'
import { attempts } from './attempts.ts'
import { commands } from './commands.ts'
import { machineFacts } from './facts.ts'
import { fleet } from './fleet.ts'
import { FLEET } from './fleet/document.ts'
import { flood } from './flood.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { openings } from './openings.ts'
import { ordinary } from './ordinary.ts'
import { README, renew, writeResults } from './results.ts'
import { mergeRuns } from './row.ts'
import type { Measure, Row } from './row.ts'
import { spa } from './spa.ts'
import { forged } from './spa/flood.ts'
import { stanzas } from './stanzas.ts'
import { starting } from './start.ts'
import { tableText } from './table.ts'
import { users } from './users.ts'
import { removeWorlds } from './world.ts'

/** The measures, each with the program that it compares with where its rows name no other. */
const MEASURES: Readonly<Record<string, readonly [measure: Measure, peer: string]>> = {
  latency: [latency, 'knockd'],
  commands: [commands, 'knockd'],
  flood: [flood, 'knockd'],
  openings: [openings, 'knockd'],
  attempts: [attempts, 'knockd'],
  ordinary: [ordinary, 'knockd'],
  users: [users, 'knockd'],
  start: [starting, 'knockd'],
  idle: [idle, 'knockd'],
  spa: [spa, 'fwknopd'],
  forged: [forged, 'fwknopd'],
  stanzas: [stanzas, 'fwknopd'],
}
/** Measures that run only if they are asked for: they have results and a document of their own. */
const APART: typeof MEASURES = { fleet: [fleet, 'Scope = host'] }
const ALL = { ...MEASURES, ...APART }
const REPEAT_MAX = 100
const SECOND_MS = 1_000

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    repeat: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
  },
  allowPositionals: true,
  strict: true,
})
if (values.readme) {
  renew(PROJECT, README)
  process.exit(0)
}
const unknown = positionals.find((name) => !Object.hasOwn(ALL, name))
if (unknown !== undefined) refuse(`no measure ${unknown}\n  there are ${Object.keys(ALL).join(', ')}`)
const repeat = Number(values.repeat)
if (!Number.isInteger(repeat) || repeat < 1 || repeat > REPEAT_MAX) {
  refuse(`--repeat ${values.repeat} is not a number of runs\n  1 to ${REPEAT_MAX}`)
}
const isFleet = positionals.join() === 'fleet'
if (values.write && positionals.length > 0 && !isFleet) {
  refuse('--write needs all measures\n  leave out the names of measures, or name fleet alone')
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

const lines = await machineFacts()
const names = positionals.length > 0 ? positionals : Object.keys(MEASURES)
const runs: (readonly Row[])[] = []
let longestMs = 0
try {
  for (let at = 1; at <= repeat; at++) {
    const begun = performance.now()
    runs.push(await runOnce(repeat === 1 ? '' : `run ${at} of ${repeat}, `))
    longestMs = Math.max(longestMs, performance.now() - begun)
  }
} finally {
  if (!ending) await removeWorlds()
}
const rows = mergeRuns(runs)
const date = new Date().toISOString().slice(0, 10)
const facts = { date, lines, runs: repeat, quick: values.quick, longestS: longestMs / SECOND_MS }
if (values.json) console.log(JSON.stringify({ ...facts, rows }, undefined, 2))
else console.log(`${lines.join('\n')}\n\n${tableText(rows)}`)
if (values.write) writeResults(PROJECT, rows, facts, isFleet ? FLEET : README)
else if (isFleet && !values.json) console.log(FLEET.text(rows, facts))

/** Runs the measures once. Each says how long it took, so that what takes long can be found. */
async function runOnce(which: string): Promise<readonly Row[]> {
  const found: Row[] = []
  for (const name of names) {
    const [measure, peer] = ALL[name]!
    const begun = performance.now()
    const say = (text: string): void => console.error(`bench: ${which}${name}: ${text}`)
    const measured = await measure({ quick: values.quick, say })
    for (const row of measured) found.push({ peer, ...row })
    say(`took ${((performance.now() - begun) / SECOND_MS).toFixed(0)} s`)
  }
  return found
}

function refuse(text: string): never {
  console.error(`bench: ${text}`)
  process.exit(2)
}
