import { closeSync, writeSync } from 'node:fs'
import { spawn } from '../native/spawn.ts'

/** Set for the process in the background; its value is the descriptor that its starter reads. */
const STARTER = 'POSTERN_STARTER'
/** What the background process writes when it is ready. Everything before it is for the terminal. */
const READY = '\0'
/** Bytes that a starter reads at most. */
const SAYS_MAX_BYTES = 1_048_576

/** Whether this process is the one in the background. */
export function inBackground(): boolean {
  return process.env[STARTER] !== undefined
}

/**
 * Starts the same program in the background, and waits until it is ready or has failed. What it says until then is
 * passed on through `say`. Gives the exit code.
 */
export async function startInBackground(say: (text: string) => void): Promise<number> {
  const args = [...process.execArgv, ...process.argv.slice(1)]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [STARTER]: '3' },
  })
  const exit = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })
  let said = 0
  for await (const chunk of child.stdio[3] as AsyncIterable<Buffer>) {
    said += chunk.length
    if (said > SAYS_MAX_BYTES) break
    const text = chunk.toString('utf8')
    say(text.replaceAll(READY, ''))
    if (text.includes(READY)) {
      child.unref()
      return 0
    }
  }
  return (await exit) || 1
}

/** Says something to whoever started this process in the background. */
export function tellStarter(text: string): void {
  try {
    writeSync(Number(process.env[STARTER]), text)
  } catch {
    // The starter is gone; there is nobody to tell.
  }
}

/** Tells the starter that all is well, and lets it go. Commands do not inherit what was between the two. */
export function releaseStarter(): void {
  tellStarter(READY)
  closeSync(Number(process.env[STARTER]))
  delete process.env[STARTER]
}
