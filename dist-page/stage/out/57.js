'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.createOPRF = createOPRF
const utils_js_1 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const hash_to_curve_js_1 = require('./hash-to-curve.js')
const modular_js_1 = require('./modular.js')
const _DST_scalarBytes = (0, utils_js_1.asciiToBytes)(hash_to_curve_js_1._DST_scalar)
function createOPRF(opts) {
  ;(0, utils_js_1.validateObject)(opts, {
    name: 'string',
    hash: 'function',
    hashToScalar: 'function',
    hashToGroup: 'function',
  })
  ;(0, curve_js_1.validatePointCons)(opts.Point)
  const { name, Point, hash, hashToGroup: hashToGroupHook, hashToScalar } = opts
  const { Fn } = Point
  const invertSecret = (value) => (0, modular_js_1.invertCt)(value, Fn.ORDER)
  const hashToGroup = (msg, ctx) =>
    hashToGroupHook(msg, {
      DST: (0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('HashToGroup-'), ctx),
    })
  const hashToScalarPrefixed = (msg, ctx) =>
    hashToScalar(msg, { DST: (0, utils_js_1.concatBytes)(_DST_scalarBytes, ctx) })
  const randomScalar = (rng = utils_js_1.randomBytes) => {
    if (typeof rng !== 'function') throw new TypeError('"rng" expected function, got type=' + typeof rng)
    const t = (0, modular_js_1.mapHashToField)(rng((0, modular_js_1.getMinHashLength)(Fn.ORDER)), Fn.ORDER, Fn.isLE)
    return Fn.isLE ? (0, utils_js_1.bytesToNumberLE)(t) : (0, utils_js_1.bytesToNumberBE)(t)
  }
  const msm = (points, scalars) => (0, curve_js_1.mulAddUnsafe)(Point, points, scalars)
  const getCtx = (mode) =>
    (0, utils_js_1.concatBytes)(
      (0, utils_js_1.asciiToBytes)('OPRFV1-'),
      new Uint8Array([mode]),
      (0, utils_js_1.asciiToBytes)('-' + name),
    )
  const ctxOPRF = getCtx(0x00)
  const ctxVOPRF = getCtx(0x01)
  const ctxPOPRF = getCtx(0x02)
  function encode(...args) {
    const res = []
    for (const a of args) {
      if (typeof a === 'number') res.push((0, utils_js_1.numberToBytesBE)(a, 2))
      else if (typeof a === 'string') res.push((0, utils_js_1.asciiToBytes)(a))
      else {
        ;(0, utils_js_1.abytes)(a)
        res.push((0, utils_js_1.numberToBytesBE)(a.length, 2), a)
      }
    }
    return (0, utils_js_1.concatBytes)(...res)
  }
  const inputBytes = (title, bytes) => {
    ;(0, utils_js_1.abytes)(bytes, undefined, title)
    if (bytes.length > 0xffff)
      throw new Error(`"${title}" expected Uint8Array of length <= 65535, got length=${bytes.length}`)
    return bytes
  }
  const hashInput = (...bytes) => hash(encode(...bytes, 'Finalize'))
  function getTranscripts(B, C, D, ctx) {
    const Bm = B.toBytes()
    const seed = hash(encode(Bm, (0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('Seed-'), ctx)))
    const res = []
    for (let i = 0; i < C.length; i++) {
      const Ci = C[i].toBytes()
      const Di = D[i].toBytes()
      const di = hashToScalarPrefixed(encode(seed, i, Ci, Di, 'Composite'), ctx)
      res.push(di)
    }
    return res
  }
  function computeComposites(B, C, D, ctx) {
    const T = getTranscripts(B, C, D, ctx)
    const M = msm(C, T)
    const Z = msm(D, T)
    return { M, Z }
  }
  function computeCompositesFast(k, B, C, D, ctx) {
    const T = getTranscripts(B, C, D, ctx)
    const M = msm(C, T)
    const Z = M.multiply(k)
    return { M, Z }
  }
  function challengeTranscript(B, M, Z, t2, t3, ctx) {
    const [Bm, a0, a1, a2, a3] = [B, M, Z, t2, t3].map((i) => i.toBytes())
    return hashToScalarPrefixed(encode(Bm, a0, a1, a2, a3, 'Challenge'), ctx)
  }
  function generateProof(ctx, k, B, C, D, rng) {
    const { M, Z } = computeCompositesFast(k, B, C, D, ctx)
    const r = randomScalar(rng)
    const t2 = Point.BASE.multiply(r)
    const t3 = M.multiply(r)
    const c = challengeTranscript(B, M, Z, t2, t3, ctx)
    const s = Fn.sub(r, Fn.mul(c, k))
    return (0, utils_js_1.concatBytes)(...[c, s].map((i) => Fn.toBytes(i)))
  }
  function verifyProof(ctx, B, C, D, proof) {
    ;(0, utils_js_1.abytes)(proof, 2 * Fn.BYTES)
    const { M, Z } = computeComposites(B, C, D, ctx)
    const [c, s] = [proof.subarray(0, Fn.BYTES), proof.subarray(Fn.BYTES)].map((f) => Fn.fromBytes(f))
    const t2 = msm([Point.BASE, B], [s, c])
    const t3 = msm([M, Z], [s, c])
    const expectedC = challengeTranscript(B, M, Z, t2, t3, ctx)
    if (!Fn.eql(c, expectedC)) throw new Error('proof verification failed')
  }
  function generateKeyPair() {
    const skS = randomScalar()
    const pkS = Point.BASE.multiply(skS)
    return { secretKey: Fn.toBytes(skS), publicKey: pkS.toBytes() }
  }
  function deriveKeyPair(ctx, seed, info) {
    ;(0, utils_js_1.abytes)(seed, 32, 'seed')
    info = inputBytes('keyInfo', info)
    const dst = (0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('DeriveKeyPair'), ctx)
    const msg = (0, utils_js_1.concatBytes)(seed, encode(info), Uint8Array.of(0))
    for (let counter = 0; counter <= 255; counter++) {
      msg[msg.length - 1] = counter
      const skS = hashToScalar(msg, { DST: dst })
      if (Fn.is0(skS)) continue
      return {
        secretKey: Fn.toBytes(skS),
        publicKey: Point.BASE.multiply(skS).toBytes(),
      }
    }
    throw new Error('Cannot derive key')
  }
  const wirePoint = (label, bytes) => {
    const point = Point.fromBytes(bytes)
    if (point.equals(Point.ZERO)) throw new Error(label + ' point at infinity')
    return point
  }
  function blind(ctx, input, rng = utils_js_1.randomBytes) {
    input = inputBytes('input', input)
    const blind = randomScalar(rng)
    const inputPoint = hashToGroup(input, ctx)
    if (inputPoint.equals(Point.ZERO)) throw new Error('Input point at infinity')
    const blinded = inputPoint.multiply(blind)
    return { blind: Fn.toBytes(blind), blinded: blinded.toBytes() }
  }
  function evaluate(ctx, secretKey, input) {
    input = inputBytes('input', input)
    const skS = Fn.fromBytes(secretKey)
    const inputPoint = hashToGroup(input, ctx)
    if (inputPoint.equals(Point.ZERO)) throw new Error('Input point at infinity')
    const unblinded = inputPoint.multiply(skS).toBytes()
    return hashInput(input, unblinded)
  }
  const oprf = Object.freeze({
    generateKeyPair,
    deriveKeyPair: (seed, keyInfo) => deriveKeyPair(ctxOPRF, seed, keyInfo),
    blind: (input, rng = utils_js_1.randomBytes) => blind(ctxOPRF, input, rng),
    blindEvaluate(secretKey, blindedPoint) {
      const skS = Fn.fromBytes(secretKey)
      const elm = wirePoint('blinded', blindedPoint)
      return elm.multiply(skS).toBytes()
    },
    finalize(input, blindBytes, evaluatedBytes) {
      input = inputBytes('input', input)
      const blind = Fn.fromBytes(blindBytes)
      const evalPoint = wirePoint('evaluated', evaluatedBytes)
      const unblinded = evalPoint.multiply(Fn.inv(blind)).toBytes()
      return hashInput(input, unblinded)
    },
    evaluate: (secretKey, input) => evaluate(ctxOPRF, secretKey, input),
  })
  const voprf = Object.freeze({
    generateKeyPair,
    deriveKeyPair: (seed, keyInfo) => deriveKeyPair(ctxVOPRF, seed, keyInfo),
    blind: (input, rng = utils_js_1.randomBytes) => blind(ctxVOPRF, input, rng),
    blindEvaluateBatch(secretKey, publicKey, blinded, rng = utils_js_1.randomBytes) {
      if (!Array.isArray(blinded)) throw new Error('expected array')
      const skS = Fn.fromBytes(secretKey)
      const pkS = wirePoint('public key', publicKey)
      const blindedPoints = blinded.map((i) => wirePoint('blinded', i))
      const evaluated = blindedPoints.map((i) => i.multiply(skS))
      const proof = generateProof(ctxVOPRF, skS, pkS, blindedPoints, evaluated, rng)
      return { evaluated: evaluated.map((i) => i.toBytes()), proof }
    },
    blindEvaluate(secretKey, publicKey, blinded, rng = utils_js_1.randomBytes) {
      const res = this.blindEvaluateBatch(secretKey, publicKey, [blinded], rng)
      return { evaluated: res.evaluated[0], proof: res.proof }
    },
    finalizeBatch(items, publicKey, proof) {
      if (!Array.isArray(items)) throw new Error('expected array')
      const pkS = wirePoint('public key', publicKey)
      const blindedPoints = items.map((i) => wirePoint('blinded', i.blinded))
      const evalPoints = items.map((i) => wirePoint('evaluated', i.evaluated))
      verifyProof(ctxVOPRF, pkS, blindedPoints, evalPoints, proof)
      return items.map((i, j) => {
        const input = inputBytes('input', i.input)
        const blind = Fn.fromBytes(i.blind)
        const unblinded = evalPoints[j].multiply(Fn.inv(blind)).toBytes()
        return hashInput(input, unblinded)
      })
    },
    finalize(input, blind, evaluated, blinded, publicKey, proof) {
      return this.finalizeBatch([{ input, blind, evaluated, blinded }], publicKey, proof)[0]
    },
    evaluate: (secretKey, input) => evaluate(ctxVOPRF, secretKey, input),
  })
  const poprf = (info) => {
    info = (0, utils_js_1.copyBytes)(inputBytes('info', info))
    const m = hashToScalarPrefixed(encode('Info', info), ctxPOPRF)
    const T = Point.BASE.multiply(m)
    return Object.freeze({
      generateKeyPair,
      deriveKeyPair: (seed, keyInfo) => deriveKeyPair(ctxPOPRF, seed, keyInfo),
      blind(input, publicKey, rng = utils_js_1.randomBytes) {
        input = inputBytes('input', input)
        const pkS = wirePoint('public key', publicKey)
        const tweakedKey = T.add(pkS)
        if (tweakedKey.equals(Point.ZERO)) throw new Error('tweakedKey point at infinity')
        const blind = randomScalar(rng)
        const inputPoint = hashToGroup(input, ctxPOPRF)
        if (inputPoint.equals(Point.ZERO)) throw new Error('Input point at infinity')
        const blindedPoint = inputPoint.multiply(blind)
        return {
          blind: Fn.toBytes(blind),
          blinded: blindedPoint.toBytes(),
          tweakedKey: tweakedKey.toBytes(),
        }
      },
      blindEvaluateBatch(secretKey, blinded, rng = utils_js_1.randomBytes) {
        if (!Array.isArray(blinded)) throw new Error('expected array')
        const skS = Fn.fromBytes(secretKey)
        const t = Fn.add(skS, m)
        const invT = invertSecret(t)
        const blindedPoints = blinded.map((i) => wirePoint('blinded', i))
        const evalPoints = blindedPoints.map((i) => i.multiply(invT))
        const tweakedKey = Point.BASE.multiply(t)
        const proof = generateProof(ctxPOPRF, t, tweakedKey, evalPoints, blindedPoints, rng)
        return { evaluated: evalPoints.map((i) => i.toBytes()), proof }
      },
      blindEvaluate(secretKey, blinded, rng = utils_js_1.randomBytes) {
        const res = this.blindEvaluateBatch(secretKey, [blinded], rng)
        return { evaluated: res.evaluated[0], proof: res.proof }
      },
      finalizeBatch(items, proof, tweakedKey) {
        if (!Array.isArray(items)) throw new Error('expected array')
        const inputs = items.map((i) => inputBytes('input', i.input))
        const evalPoints = items.map((i) => wirePoint('evaluated', i.evaluated))
        verifyProof(
          ctxPOPRF,
          wirePoint('tweakedKey', tweakedKey),
          evalPoints,
          items.map((i) => wirePoint('blinded', i.blinded)),
          proof,
        )
        return items.map((i, j) => {
          const blind = Fn.fromBytes(i.blind)
          const point = evalPoints[j].multiply(Fn.inv(blind)).toBytes()
          return hashInput(inputs[j], info, point)
        })
      },
      finalize(input, blind, evaluated, blinded, proof, tweakedKey) {
        return this.finalizeBatch([{ input, blind, evaluated, blinded }], proof, tweakedKey)[0]
      },
      evaluate(secretKey, input) {
        input = inputBytes('input', input)
        const skS = Fn.fromBytes(secretKey)
        const inputPoint = hashToGroup(input, ctxPOPRF)
        if (inputPoint.equals(Point.ZERO)) throw new Error('Input point at infinity')
        const t = Fn.add(skS, m)
        const invT = invertSecret(t)
        const unblinded = inputPoint.multiply(invT).toBytes()
        return hashInput(input, info, unblinded)
      },
    })
  }
  const res = { name, oprf, voprf, poprf, __tests: Object.freeze({ Fn, invertSecret }) }
  return Object.freeze(res)
}
