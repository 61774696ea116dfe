import asyncio,time
import uvicorn
from websockets.asyncio.client import connect as wsc
from tests.gateway.test_voice import *
from tests.gateway.voice import *

async def test_drain(database_url, tmp_path):
    changes = {"assistant_voice": True, "assistant_model": "openai:scripted", "assistant_facts_file": EXAMPLE, "company_name": "Acme"}
    async with open_house(database_url, tmp_path, **changes) as house:
        object.__setattr__(house.deps, "returns", Returns(RETURNS._placer, RETURNS._places, RETURNS._source, RETURNS._calendars, assistant=True))
        house.clock.now = NIGHT
        await house.pool.execute(SAM, WEEK)
        cfg=uvicorn.Config(house.app,host="127.0.0.1",port=39871,log_config=None,proxy_headers=False,ws="websockets-sansio",ws_max_size=16384,timeout_graceful_shutdown=8,lifespan="off")
        s=uvicorn.Server(cfg); 
        import contextlib; s.capture_signals=contextlib.nullcontext
        task=asyncio.create_task(s.serve())
        while not s.started: await asyncio.sleep(0.05)
        socks=[]
        url="ws"+house.base.removeprefix("http")+RELAY
        for i,phase in enumerate(("idle","words","answered","unset")):
            phone=f"+1212555010{i}"; sid=f"CA{i:032x}"
            await house.lead(**(AGREES|{"email":f"{i}@example.com","phone":phone}))
            if phase=="words": Worker(house,None)
            else: works(house)
            doc=await rings(house,phone,sid)
            sock=await wsc("ws://127.0.0.1:39871"+RELAY, additional_headers=signed(house,url))
            socks.append(sock)
            tel=Telephone(house,sock)
            if phase=="unset": continue
            await tel.sends(type="setup",sessionId="V",callSid=sid,customParameters=parameters(doc))
            if phase!="idle": await tel.says("How much is the basic plan?")
            if phase=="answered": await tel.hears_words()
        await asyncio.sleep(0.5)
        t0=time.time(); s.should_exit=True
        await task
        print("drain", round(time.time()-t0,2), [x.close_code for x in socks], house.app.state.context.counters.__dict__)
        for x in socks: await x.close()
        print([x.close_code for x in socks])

async def test_odd(database_url, tmp_path):
    changes = {"assistant_voice": True, "assistant_model": "openai:scripted", "assistant_facts_file": EXAMPLE, "company_name": "Acme"}
    async with open_house(database_url, tmp_path, **changes) as house:
        object.__setattr__(house.deps, "returns", Returns(RETURNS._placer, RETURNS._places, RETURNS._source, RETURNS._calendars, assistant=True))
        house.clock.now = NIGHT
        await house.pool.execute(SAM, WEEK)
        await house.lead(**AGREES); works(house)
        doc=await rings(house)
        for setup in ({"callSid":"CA\x00"},{"callSid":"\ud800"},{"customParameters":parameters(doc)|{"key":"\ud800"}},{"customParameters":parameters(doc)|{"call":"\x00"}}):
            try:
                async with opened(house,doc,**setup) as tel:
                    print(setup.keys(), await tel.is_refused())
            except BaseException as e: print(setup, type(e), e)
        # words after goodbye, binary frames, unicode
        async with opened(house,doc) as tel:
            await tel.says("a\x00b \ud83d How much is the basic plan?")
            print(await tel.hears())
            await tel.socket.send(b"\x00\x01")
            print(await tel.hears())
            await tel.says("more")
            print(await tel.is_refused() if False else "")
        from speedlead.gateway import voice_relay
