import type { Measure, Row, Terms } from './row.ts'
import { packetFlood } from './spa/flood.ts'
import { packetLatency } from './spa/latency.ts'
import { packetMemory } from './spa/memory.ts'
import { packetRate } from './spa/rate.ts'

const PARTS: readonly Measure[] = [packetLatency, packetRate, packetFlood, packetMemory]

/** Doors that open to single packets, beside Debian's fwknopd. */
export async function spa(terms: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const part of PARTS) rows.push(...(await part(terms)))
  return rows
}
