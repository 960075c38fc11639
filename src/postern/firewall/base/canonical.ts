import { fileURLToPath } from 'node:url'
import { spawn } from '../../../native/spawn.ts'

/** The longest time to load rules in a namespace, in milliseconds. */
const LIMIT_MS = 10_000
const PROGRAM = fileURLToPath(new URL('../../../bin/firewall-listing.js', import.meta.url))

/**
 * Returns the firewall's listings of tables after this text is loaded, in their order. The text is loaded in a temporary
 * network namespace (unshare(1)).
 *
 * @throws Error with the firewall's message, if the firewall refuses the text
 */
export async function canonical(tables: readonly string[], text: string, byName = false): Promise<readonly string[]> {
  return await new Promise((resolve, reject) => {
    const words = [PROGRAM, ...(byName ? ['names'] : []), ...tables]
    const child = spawn('unshare', ['--net', process.execPath, ...words], { stdio: 'pipe', timeout: LIMIT_MS })
    let listed = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => (listed += more))
    child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more))
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(listed) as readonly string[])
      else reject(new Error(said.trim() || 'the rules could not be loaded in a network namespace'))
    })
    child.stdin.end(text)
  })
}
