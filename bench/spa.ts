import type { Row, Terms } from './row.ts'
import { packetLatency } from './spa/latency.ts'

/** Doors that open to single packets, beside Debian's fwknopd. */
export async function spa(terms: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const part of [packetLatency]) rows.push(...(await part(terms)))
  return rows
}
