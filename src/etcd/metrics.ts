import type { EtcdAccess } from './access.ts'
import { Connection } from './connection.ts'

/** Most bytes of a node's metrics. etcd 3.5 has some 120 kB. */
const METRICS_MAX_BYTES = 2_097_152
/** Milliseconds within which a node has to answer. */
const WITHIN_MS = 3_000

/**
 * Reads the metrics of a node that have no labels (Prometheus' text format, 0.0.4): etcd tells its quota and its last
 * compaction nowhere else.
 *
 * @throws EtcdUnavailable, or Error if the node does not answer in time
 */
export async function readMetrics(access: EtcdAccess, endpoint: string): Promise<ReadonlyMap<string, number>> {
  const connection = new Connection(endpoint, access)
  try {
    const response = await connection.stream({ path: '/metrics', needsLeader: false }, AbortSignal.timeout(WITHIN_MS))
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > METRICS_MAX_BYTES) break
      chunks.push(chunk)
    }
    const lines = Buffer.concat(chunks)
      .toString()
      .matchAll(/^(\w+) ([-+.\deE]+)$/gm)
    return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]))
  } finally {
    connection.close()
  }
}
