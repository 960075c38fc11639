import { open } from 'node:fs/promises'
import { DONE, FAILED } from '../../cli/exit-code.ts'
import { failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Knock } from '../../config/config.ts'
import { formatSequence } from '../../config/sequence.ts'
import { ask, findSocket } from '../../control/client.ts'
import { cannot } from '../../file/file-error.ts'
import { listeningPorts } from '../../host/listening.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { makeSequence } from '../../publish/sequence.ts'
import { giveTo } from '../../file/owner.ts'
import { writeSequences } from '../../secret/sequence-file.ts'
import { examine } from '../check/check.ts'
import { ownerForDaemon } from '../keygen/owner.ts'
import type { SequencesArguments } from './arguments.ts'
import { listsOf, masked } from './lists.ts'
import type { DoorList } from './lists.ts'

/** The mode of a file that only its owner can read and write. */
const FILE_MODE = 0o600

/** Runs `postern sequences`, and returns the exit code. */
export async function sequences(asked: SequencesArguments, output: Output): Promise<number> {
  try {
    switch (asked.action) {
      case 'make':
        return await make(asked, output)
      case 'count':
        return count(asked, output)
      case 'list':
        return list(asked, output)
      case 'rotate':
        return await rotate(asked, output)
      default:
        return asked.action satisfies never
    }
  } catch (error) {
    return failed(error, output)
  }
}

async function make(asked: SequencesArguments, { out }: Output): Promise<number> {
  const path = asked.name!
  const file = await open(path, 'wx', FILE_MODE).catch((error: NodeJS.ErrnoException) => {
    throw cannot(`create ${path}`, error, { EEXIST: 'an existing file is left as it is: name another' })
  })
  const owner = ownerForDaemon(asked.config, 'written')
  try {
    if (owner !== undefined) giveTo(file.fd, owner)
    await file.writeFile(
      made(asked)
        .map((knocks) => ` ${formatSequence(knocks)}\n`)
        .join(''),
    )
    await file.sync()
  } finally {
    await file.close()
  }
  out(`${path}: ${asked.count} sequences\n\n  One_Time_Sequences = ${path}\n`)
  return DONE
}

function made({ count: many, length, ports }: SequencesArguments): readonly (readonly Knock[])[] {
  const listening = listeningPorts()
  const avoid = new Set([...listening[TCP], ...listening[UDP]])
  return Array.from({ length: many }, () => makeSequence({ length, ports }, avoid))
}

function count(asked: SequencesArguments, { out, err }: Output): number {
  const lists = asked.name === undefined ? allLists(asked) : [theList(asked)]
  const counted = lists.map((each) => {
    try {
      const { left, used } = each.read()
      return { door: each.door, file: each.path, left: left.length, used, low: left.length <= each.lowWater }
    } catch (error) {
      return { door: each.door, file: each.path, left: 0, used: 0, low: true, failure: (error as Error).message }
    }
  })
  if (asked.json) out(`${JSON.stringify(counted, undefined, 2)}\n`)
  else if (counted.length === 0) out('no door has a list\n')
  else {
    for (const { door, left, used, low, failure } of counted) {
      if (failure !== undefined) err(`postern: ${door}: ${failure}\n`)
      else out(`${door}: ${left} left, ${used} used${low && left > 0 ? ' (low)' : ''}\n`)
    }
  }
  return counted.some(({ low }) => low) ? FAILED : DONE
}

function list(asked: SequencesArguments, { out }: Output): number {
  const { left } = theList(asked).read()
  if (asked.json) {
    const shown = left.map((line) => (asked.reveal ? formatSequence(line.knocks) : masked(line)))
    out(`${JSON.stringify(shown, undefined, 2)}\n`)
  } else for (const line of left) out(`${asked.reveal ? formatSequence(line.knocks) : masked(line)}\n`)
  return left.length === 0 ? FAILED : DONE
}

async function rotate(asked: SequencesArguments, { out, err }: Output): Promise<number> {
  const { door, path, generated } = theList(asked)
  if (!generated) {
    await writeSequences(path, made(asked), undefined, undefined, ownerForDaemon(asked.config, 'written'))
    out(`${door} has a new list of ${asked.count} sequences\n`)
    return DONE
  }
  const reply = await ask(findSocket(asked.config, asked.interface.flat()), { command: 'rotate', door })
  if ('error' in reply) {
    err(faultText('postern', reply.error, reply.hint))
    return FAILED
  }
  out('done' in reply ? `${reply.done}\n` : '')
  return DONE
}

function theList(asked: SequencesArguments): DoorList {
  const lists = allLists(asked)
  const found = lists.find(({ door }) => door === asked.name)
  if (found !== undefined) return found
  const names = lists.map(({ door }) => door).join(', ')
  throw new Error(
    `no door ${asked.name} has a list\n  ${names === '' ? 'no door has one' : `doors that have one: ${names}`}`,
  )
}

function allLists({ config: file, interface: interfaces }: SequencesArguments): readonly DoorList[] {
  const { config, faults } = examine(file)
  if (config !== undefined) return listsOf(config, interfaces.flat())
  const fault = faults.find(({ severity }) => severity === 'error')
  throw new Error(`${file}: ${fault?.message ?? 'cannot be used'}\n  postern check ${file}`)
}
