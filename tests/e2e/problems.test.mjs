// Every bad input gets a clear answer that names each thing that is wrong, and the daemon lives on.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import {
  assertProblem,
  createWorld,
  executePath,
  Listener,
  RawConnection,
  rawRequest,
  request,
  SWAP,
  until,
  within
} from './lib.mjs'

let world, ox
before(async () => {
  world = await createWorld()
  ox = await world.start()
})
after(() => world.destroy())
afterEach(async () => {
  assert(ox.running, ox.log.slice(-20).join('\n'))
  assert.equal((await ox.get('/livez')).status, 200)
})

const place = (body, headers) => ox.post('/api/orders/execute', body, headers)

describe('bodies that are no order', () => {
  const bodies = {
    empty: '',
    'half an object': '{"tokenIn":"SOL"',
    'no JSON': 'hello',
    NaN: '{"tokenIn":"SOL","tokenOut":"USDC","amount":NaN}',
    Infinity: '{"tokenIn":"SOL","tokenOut":"USDC","amount":Infinity}',
    'hexadecimal number': '{"tokenIn":"SOL","tokenOut":"USDC","amount":0x10}',
    'leading zero': '{"tokenIn":"SOL","tokenOut":"USDC","amount":01}',
    'single quotes': "{'tokenIn':'SOL'}",
    comment: '{/**/"tokenIn":"SOL","tokenOut":"USDC","amount":1}',
    'trailing comma': '{"tokenIn":"SOL","tokenOut":"USDC","amount":1,}',
    'trailing garbage': `${JSON.stringify(SWAP)} x`,
    'two objects': JSON.stringify(SWAP).repeat(2),
    'a duplicate key': '{"tokenIn":"SOL","tokenIn":"SOL","tokenOut":"USDC","amount":1}',
    'a duplicate key, escaped': '{"amount":1,"\\u0061mount":2,"tokenIn":"SOL","tokenOut":"USDC"}',
    'invalid UTF-8': Buffer.from('7b22746f6b656e496e223a22ff227d', 'hex'),
    'overlong UTF-8': Buffer.from('7b22746f6b656e496e223a22c0af227d', 'hex'),
    'a lone surrogate': '{"tokenIn":"\\ud800","tokenOut":"USDC","amount":1}',
    'U+0000': '{"tokenIn":"S\\u0000L","tokenOut":"USDC","amount":1}',
    'a byte order mark': `\ufeff${JSON.stringify(SWAP)}`,
    'deep nesting': '['.repeat(5000),
    'nesting over 16': `{"x":${'['.repeat(17)}${']'.repeat(17)}}`,
    'an array': '[]',
    'a string': '"SOL"',
    'a number': '17',
    null: 'null'
  }
  for (const [name, body] of Object.entries(bodies))
    test(name, async () => {
      assertProblem(await place(body), 400)
    })
})

describe('fields', () => {
  const cases = [
    ['nothing at all', {}, ['/tokenIn', '/tokenOut', '/amount']],
    [
      'wrong types',
      { tokenIn: 1, tokenOut: null, amount: true, slippage: 'x' },
      ['/tokenIn', '/tokenOut', '/amount', '/slippage']
    ],
    [
      'more wrong types',
      { tokenIn: ['SOL'], tokenOut: {}, amount: [1], slippage: {} },
      ['/tokenIn', '/tokenOut', '/amount', '/slippage']
    ],
    ['unknown tokens', { ...SWAP, tokenIn: 'DOGE', tokenOut: 'sol' }, ['/tokenIn', '/tokenOut']],
    ['empty tokens', { ...SWAP, tokenIn: '', tokenOut: '' }, ['/tokenIn', '/tokenOut']],
    ['a very long token', { ...SWAP, tokenIn: 'S'.repeat(10000) }, ['/tokenIn']],
    ['equal tokens', { ...SWAP, tokenOut: 'SOL' }, ['/tokenOut']],
    ['zero', { ...SWAP, amount: 0 }, ['/amount']],
    ['zero as a string', { ...SWAP, amount: '0.000000000' }, ['/amount']],
    ['negative', { ...SWAP, amount: -1 }, ['/amount']],
    ['negative as a string', { ...SWAP, amount: '-1' }, ['/amount']],
    ['an empty amount', { ...SWAP, amount: '' }, ['/amount']],
    ['no number', { ...SWAP, amount: 'NaN' }, ['/amount']],
    ['infinite', { ...SWAP, amount: 'Infinity' }, ['/amount']],
    ['a space', { ...SWAP, amount: ' 1' }, ['/amount']],
    ['a comma', { ...SWAP, amount: '1,5' }, ['/amount']],
    ['1e400', '{"tokenIn":"SOL","tokenOut":"USDC","amount":1e400}', ['/amount']],
    ['"1e400"', { ...SWAP, amount: '1e400' }, ['/amount']],
    ['over 64 bits', { ...SWAP, amount: '99999999999999999999999999' }, ['/amount']],
    ['a million digits short of one', { ...SWAP, amount: `0.${'0'.repeat(5000)}1` }, ['/amount']],
    ['too many decimals', { ...SWAP, amount: '1.0000000001' }, ['/amount']],
    [
      'too many decimals for USDC',
      { ...SWAP, tokenIn: 'USDC', tokenOut: 'SOL', amount: 1.0000001 },
      ['/amount']
    ],
    ['slippage of zero', { ...SWAP, slippage: 0 }, ['/slippage']],
    ['slippage over a half', { ...SWAP, slippage: 0.51 }, ['/slippage']],
    ['negative slippage', { ...SWAP, slippage: -0.01 }, ['/slippage']],
    [
      'slippage of 1e400',
      '{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"slippage":1e400}',
      ['/slippage']
    ],
    ['slippageBps of zero', { ...SWAP, slippage: undefined, slippageBps: 0 }, ['/slippageBps']],
    [
      'slippageBps over a half',
      { ...SWAP, slippage: undefined, slippageBps: 5001 },
      ['/slippageBps']
    ],
    ['an unknown field', { ...SWAP, sliPpage: 1 }, ['/sliPpage']],
    ['an unknown field with odd letters', { ...SWAP, 'a/b~c': 1 }, ['/a~1b~0c']],
    ['an unknown type', { ...SWAP, type: 'gift' }, ['/type']],
    ['a type of the wrong type', { ...SWAP, type: 1 }, ['/type']],
    ['an own id with odd letters', { ...SWAP, clientOrderId: 'a b' }, ['/clientOrderId']],
    ['an empty own id', { ...SWAP, clientOrderId: '' }, ['/clientOrderId']],
    ['a long own id', { ...SWAP, clientOrderId: 'x'.repeat(65) }, ['/clientOrderId']],
    ['an own id like ours', { ...SWAP, clientOrderId: 'ord_1' }, ['/clientOrderId']],
    ['a reserved own id', { ...SWAP, clientOrderId: 'stats' }, ['/clientOrderId']],
    ['an own id of the wrong type', { ...SWAP, clientOrderId: 7 }, ['/clientOrderId']],
    [
      'everything at once',
      {
        tokenIn: 'DOGE',
        tokenOut: 'CAT',
        amount: -1,
        slippage: 2,
        clientOrderId: '?',
        colour: 'red'
      },
      ['/tokenIn', '/tokenOut', '/amount', '/slippage', '/clientOrderId', '/colour']
    ]
  ]
  for (const [name, body, pointers] of cases)
    test(name, async () => {
      assertProblem(await place(body), 400, pointers)
    })

  test('slippage and slippageBps together', async () => {
    const problem = assertProblem(await place({ ...SWAP, slippageBps: 100 }), 400)
    assert(problem.errors.some((e) => e.pointer.startsWith('/slippage')))
  })
  test('a bad Idempotency-Key', async () => {
    assertProblem(await place(SWAP, { 'idempotency-key': 'x'.repeat(500) }), 400)
  })
  test('nothing of this was stored', async () => {
    assert.deepEqual(await world.sql('SELECT count(*)::int AS n FROM orders'), [{ n: 0 }])
  })
  test('the bounds themselves are good', async () => {
    const good = [
      { slippage: 0.5 },
      { slippage: 0.0001 },
      { slippage: undefined },
      { amount: '0.000000001' },
      { slippage: undefined, slippageBps: 5000 },
      { slippage: undefined, slippageBps: 1 },
      { clientOrderId: 'A-z.0_9:' },
      { clientOrderId: 'x'.repeat(64) },
      { type: 'market' }
    ]
    for (const fields of good) {
      const answer = await place({ ...SWAP, ...fields })
      assert.equal(answer.status, 201, `${JSON.stringify(fields)}: ${answer.text}`)
    }
  })
})

describe('requests', () => {
  test('too big a body: 413, also chunked, also before it was sent', async () => {
    const body = JSON.stringify({ ...SWAP, tokenIn: 'S'.repeat(65536) })
    assertProblem(await place(body), 413)
    const chunked = await request(`${ox.url}/api/orders/execute`, {
      method: 'POST',
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
      body: new ReadableStream({
        start(controller) {
          for (let i = 0; i < 70; i++) controller.enqueue(Buffer.alloc(1024, 32))
          controller.close()
        }
      })
    }).catch((error) => error)
    // The answer may meet a connection that is already closed for writing.
    if (chunked.status !== undefined) assert.equal(chunked.status, 413)

    const connection = new RawConnection(ox)
    connection.write(
      rawRequest('POST', '/api/orders/execute', {
        'Content-Type': 'application/json',
        'Content-Length': 1e9,
        Expect: '100-continue'
      })
    )
    assert.equal((await connection.answer()).status, 413)
    await connection.destroy()
  })

  test('another content type: 415', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'x'
    ])
      assertProblem(await place(JSON.stringify(SWAP), { 'content-type': type }), 415)
    const parameter = await place(SWAP, { 'content-type': 'Application/JSON; charset=utf-8' })
    assert.equal(parameter.status, 201)
  })

  test('another method: 405 with Allow', async () => {
    const wrong = [
      ['PUT', '/api/orders/execute', 'POST'],
      ['DELETE', '/api/orders/execute', 'POST'],
      ['POST', '/api/orders/stats', 'GET'],
      ['POST', '/health', 'GET'],
      ['PATCH', '/readyz', 'GET']
    ]
    for (const [method, target, allowed] of wrong) {
      const answer = await ox.get(target, { method })
      assertProblem(answer, 405)
      assert(answer.headers.get('allow').split(/, */).includes(allowed), `${method} ${target}`)
    }
  })

  test('an unknown path or order: 404; an id that is none: 400', async () => {
    for (const target of [
      '/nowhere',
      '/api',
      '/api/orders/execute/x',
      '/api/orders/stats/x',
      '//health'
    ])
      assertProblem(await ox.get(target), 404)
    for (const tail of ['', '/status', '/events']) {
      assertProblem(await ox.get(`/api/orders/ord_01J00000000000000000000000${tail}`), 404)
      assertProblem(await ox.get(`/api/orders/nobodys${tail}`), 404)
      for (const id of ['ord_', 'ord_x', 'ord_01J0000000000000000000000U', 'a%20b', 'x'.repeat(65)])
        assertProblem(await ox.get(`/api/orders/${id}${tail}`), 400)
    }
  })

  test('watching without an upgrade: 426, whatever the id', async () => {
    for (const id of [undefined, 'ord_01J00000000000000000000000', 'nobodys', '?'])
      assertProblem(await ox.get(executePath(id)), 426)
  })

  test('watching an unknown order: 404 before the upgrade', async () => {
    for (const id of ['ord_01J00000000000000000000000', 'nobodys']) {
      const listener = new Listener(ox.url + executePath(id))
      await assert.rejects(within('a refusal', 5000, listener.opened), { status: 404 })
    }
  })

  test('watching from a position that is none: 400', async () => {
    const orderId = await ox.execute()
    for (const since of ['x', '-1', '1.5', '99999999999999999999']) {
      const listener = new Listener(ox.url + executePath(orderId, since))
      await assert.rejects(within('a refusal', 5000, listener.opened), { status: 400 })
    }
  })

  const heads = {
    'Content-Length and Transfer-Encoding': [
      400,
      'POST /api/orders/execute HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    ],
    'two lengths': [
      400,
      'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'
    ],
    'a length that is none': [
      400,
      'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n'
    ],
    'a negative length': [400, 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    'no Host': [400, 'GET /livez HTTP/1.1\r\n\r\n'],
    'two Hosts': [400, 'GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    'a folded header': [400, 'GET /livez HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
    'bare line feeds': [400, 'GET /livez HTTP/1.1\nHost: a\n\n'],
    'an unknown coding': [
      400,
      'POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'
    ],
    'no HTTP': [400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
    'a broken escape': [400, 'GET /api/orders/%zz HTTP/1.1\r\nHost: a\r\n\r\n'],
    'a NUL escape': [400, 'GET /api/orders/a%00b HTTP/1.1\r\nHost: a\r\n\r\n'],
    'a huge head': [431, `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20000)}\r\n\r\n`],
    'a huge target': [431, `GET /${'x'.repeat(20000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    'an unknown expectation': [417, 'GET /livez HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n']
  }
  for (const [name, [status, head]] of Object.entries(heads))
    test(name, async () => {
      const connection = new RawConnection(ox)
      connection.write(Buffer.from(head, 'latin1'))
      const answer = await connection.answer()
      assert.equal(answer.status, status, answer.head)
      assert.match(answer.head, /content-type: application\/problem\+json/i)
      assert.equal(JSON.parse(answer.body).status, status)
      await connection.destroy()
    })
})

describe('clients that misbehave', () => {
  const socketTo = async () => {
    const listener = new Listener(ox.url + executePath())
    await listener.opened
    return listener
  }

  test('binary frames: 1003', async () => {
    const idle = await createWorld() // without workers: its order stays pending
    try {
      const api = await idle.start({ role: 'api' })
      for (const path of [executePath(), executePath(await api.execute())]) {
        const listener = new Listener(api.url + path)
        await listener.opened
        listener.socket.send(Buffer.from([1, 2, 3]))
        assert.equal((await within('the close', 5000, listener.closed)).code, 1003)
      }
    } finally {
      await idle.destroy()
    }
  })

  test('text that is no UTF-8: 1007', async () => {
    const listener = await socketTo()
    listener.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    assert.equal((await within('the close', 5000, listener.closed)).code, 1007)
  })

  test('a message over 64 KiB: 1009', async () => {
    const listener = await socketTo()
    listener.socket.send('x'.repeat(65537))
    assert.equal((await within('the close', 5000, listener.closed)).code, 1009)
  })

  test('more than 100 messages in a minute: 1008', async () => {
    const listener = await socketTo()
    for (let i = 0; i < 101; i++) listener.send({ action: 'unsubscribe', orderId: 'nobodys' })
    assert.equal((await within('the close', 5000, listener.closed)).code, 1008)
  })

  test('half a request, then gone', async () => {
    const pieces = [
      'G',
      'POST /api/orders/execute HTTP/1.1\r\nHost: a\r\n',
      rawRequest(
        'POST',
        '/api/orders/execute',
        { 'Content-Type': 'application/json', 'Content-Length': 90 },
        '{"tokenIn":'
      )
    ]
    for (const piece of pieces)
      for (const end of ['destroy', 'resetAndDestroy', 'end']) {
        const connection = new RawConnection(ox)
        await connection.opened
        connection.write(piece)
        connection.socket[end]()
        await within(`the ${end}`, 5000, connection.ended)
      }
  })

  test('a half-closed client still gets its answer', async () => {
    const connection = new RawConnection(ox, { allowHalfOpen: true })
    const body = JSON.stringify(SWAP)
    await connection.opened
    connection.socket.end(
      rawRequest(
        'POST',
        '/api/orders/execute',
        { 'Content-Type': 'application/json', 'Content-Length': body.length },
        body
      )
    )
    assert.equal((await connection.answer()).status, 201)
    await within('the end', 5000, connection.ended)
  })

  test('gone before the answer, a hundred times: every order is whole', async () => {
    const body = JSON.stringify(SWAP)
    for (let i = 0; i < 100; i++) {
      const connection = new RawConnection(ox)
      await connection.opened
      connection.write(
        rawRequest(
          'POST',
          '/api/orders/execute',
          { 'Content-Type': 'application/json', 'Content-Length': body.length },
          body
        )
      )
      connection.socket.resetAndDestroy()
    }
    await until('every order to end', 20000, async () => {
      const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase < 2')
      return n === 0
    })
    const broken = await world.sql(`SELECT order_id FROM orders o WHERE ver <>
      (SELECT count(*) FROM order_events e WHERE e.order_id = o.order_id)`)
    assert.deepEqual(broken, [])
  })

  test('sockets left open without a word take no one else out', async () => {
    const idle = Array.from({ length: 200 }, () => new RawConnection(ox))
    await Promise.all(idle.map((c) => c.opened))
    assert.equal((await place(SWAP)).status, 201)
    await Promise.all(idle.map((c) => c.destroy()))
  })

  test('pipelined requests are answered in order', async () => {
    const connection = new RawConnection(ox)
    const body = JSON.stringify(SWAP)
    const post = rawRequest(
      'POST',
      '/api/orders/execute',
      { 'Content-Type': 'application/json', 'Content-Length': body.length },
      body
    )
    connection.write(post + rawRequest('GET', '/livez') + post + rawRequest('GET', '/nowhere'))
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await connection.answer()).status)
    assert.deepEqual(statuses, [201, 200, 201, 404])
    await connection.destroy()
  })
})
