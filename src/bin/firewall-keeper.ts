#!/usr/bin/env node
import { keep } from '../operator/firewall/base/keeper.ts'

await keep(process.argv[2] ?? '')
