/** The oldest Node.js that the programs run on, as in package.json's `engines` and in script/bootstrap. */
export const NODE_LEAST = '20.19'

const FAILURE = 1
/** Node's own exit code where nothing is left to wait for, and the work is not done. */
const UNSETTLED = 13

/**
 * Runs a program, or refuses a Node.js that is too old in one line. This file and the programs that import it are written
 * for Node.js 12, without `await` outside functions or `??`: one that is refused has to parse them.
 *
 * @param name of the program, for the message
 * @param run loads everything else
 */
export function onThisNode(name: string, run: () => Promise<void>): void {
  const { node } = process.versions
  if (isOlder(node, NODE_LEAST)) {
    process.stderr.write(`${name}: Node.js ${node} is too old: ${NODE_LEAST} or later is needed\n`)
    process.exitCode = FAILURE
    return
  }
  process.once('beforeExit', unsettled)
  void run().then(() => process.off('beforeExit', unsettled))
}

function unsettled(): void {
  process.exitCode = UNSETTLED
}

/** Compares the first two numbers of versions. */
export function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major < leastMajor || (major === leastMajor && minor < leastMinor)
}
