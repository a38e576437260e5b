import { eventually } from '../e2e/tallygate.ts';
import { idsOf, keys, type LiveData, liveEvents, openSubscriptionRig, read, track } from './subscriptions-rig.ts';

test('a stop tells readers to go elsewhere, which they do, and waits for none of them', async () => {
  const rig = await openSubscriptionRig({ SHUTDOWN_SECONDS: '20' });
  try {
    const closes: { code: number; reason: string }[] = [];
    const on = { closed: ({ code, reason }: { code: number; reason: string }) => void closes.push({ code, reason }) };
    const patient = read<LiveData>(rig.socket({ on, retry: 10_000 }), liveEvents);
    const stream = read<LiveData>(rig.stream(), liveEvents);
    const leftAlone = fetch(`${rig.url}/graphql/stream`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.read}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: liveEvents }),
    });
    for (const reading of [patient, stream]) await reading.first(1);
    expect((await leftAlone).status).toBe(200);
    const started = Date.now();
    await rig.role.stop();
    // Well before the deadline: whoever does not go is cut off.
    expect(Date.now() - started).toBeLessThan(15_000);
    expect(closes[0]).toEqual({ code: 1001, reason: 'SHUTTING_DOWN: this instance is stopping; connect again' });
    // Not completed: a client that takes it for the end would never come back.
    expect(await stream.ended).toMatchObject({ name: 'NetworkError' });
    expect(await (await leftAlone).text()).toMatch(/\n: SHUTTING_DOWN: this instance is stopping; connect again\n\n$/);
    await rig.role.restart();
    await eventually(async () => expect(patient.messages.length).toBeGreaterThan(1), 90);
    await rig.track([track('after')]);
    await eventually(async () => expect(idsOf(patient)).toEqual(['after']), 60);
    patient.leave();
  } finally {
    await rig.close();
  }
}, 240_000);
