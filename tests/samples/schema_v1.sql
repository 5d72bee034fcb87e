-- A database of schema version 1, frozen: what `failover` 0.1.0 wrote, as SQL.  Never change it; every later version
-- must bring it forward with all its rows (tests/core/test_migrations.py).
-- In it: an incident that is over, one that is open with a doubtful delivery, one that a person objected to, a ledger,
-- a reserved draft, a declaration and a pause.
PRAGMA application_id = 262213699;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE audit (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, facts TEXT NOT NULL, digest TEXT NOT NULL
    );
INSERT INTO "audit" VALUES(1,1795000030.0,'platform_changed','{"incident": "", "now": "up", "platform": "facebook", "reason": "api says it answers", "turn": "nothing", "was": "unknown"}','6e0b6c9e0fa5a6a5c91f0f18c9c5b30beab47006a88f266634a28179e2770144');
INSERT INTO "audit" VALUES(2,1795000030.0,'platform_changed','{"incident": "", "now": "up", "platform": "instagram", "reason": "api says it answers", "turn": "nothing", "was": "unknown"}','f3a10b1db8f2496e03c4ad9032c080fa7eb63aff3da555cc6a1d377a88e755eb');
INSERT INTO "audit" VALUES(3,1795000330.0,'platform_changed','{"incident": "", "now": "suspect", "platform": "facebook", "reason": "only spoken so far: api says HTTP 503", "turn": "nothing", "was": "up"}','7f4bb42a41b7e8e16e9ffa1528ddebc8f9470f0a84fed72fb642f0468df78414');
INSERT INTO "audit" VALUES(4,1795000480.0,'platform_changed','{"incident": "1", "now": "down", "platform": "facebook", "reason": "crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503", "turn": "opened", "was": "suspect"}','a26c242d8c43b638b68d7c97c701c9ee2b1eb917c7bb74ebd39f2fcf69b68b11');
INSERT INTO "audit" VALUES(5,1795000480.0,'delivery_attempted','{"attempt": 1, "delivery": "1H-telegram", "text": "holding: facebook; see email, blog (F1H-181114)"}','4167b81cb592766646ffdf40bfe4c30b06e42dcd6d804783d3c82efb5f0b3f60');
INSERT INTO "audit" VALUES(6,1795000480.0,'delivery_sent','{"delivery": "1H-telegram", "phase": "sent", "reason": "", "remote_id": "remote F1H-181114", "url": "https://example.org/1"}','19ac2e16a19ed96a0724e6388f50c9512dea2dd11b1cefab2433740644d2188f');
INSERT INTO "audit" VALUES(7,1795000480.0,'delivery_attempted','{"attempt": 1, "delivery": "1H-email", "text": "holding: facebook; see telegram, blog (F1H-181114)"}','427701eec6a925948b75587e6ce3f1ccde150f6c3c42e3edfe53eb0869b3a580');
INSERT INTO "audit" VALUES(8,1795000480.0,'delivery_sent','{"delivery": "1H-email", "phase": "sent", "reason": "", "remote_id": "remote F1H-181114", "url": "https://example.org/1"}','ad96f45bb81e0ce3fdf6f38b3b3ad75ff44ee66926cbd9f7c3b816bf525ede1b');
INSERT INTO "audit" VALUES(9,1795000480.0,'delivery_attempted','{"attempt": 1, "delivery": "1H-blog", "text": "holding: facebook; see telegram, email (F1H-181114)"}','2ef053a734a8c53853e84cbcee38d79a12b3efaf69f63d1be503f7d5629c508a');
INSERT INTO "audit" VALUES(10,1795000480.0,'delivery_unsure','{"delivery": "1H-blog", "phase": "unsure", "reason": "no answer"}','5dab7fa5ae0e417c542f5b7fa1fd31f14b12529ac8f94dfd5fb6d2a3294c3cc5');
INSERT INTO "audit" VALUES(11,1795000510.0,'platform_changed','{"incident": "", "now": "unknown", "platform": "instagram", "reason": "no source can tell at the moment", "turn": "nothing", "was": "up"}','1c6b2aa88b687894a38414788720646d795b91f30c4bfa31bbd86b5d141cab1d');
INSERT INTO "audit" VALUES(12,1795000510.0,'delivery_held','{"delivery": "1H-blog", "phase": "held", "reason": "this channel cannot be read back; a person must look"}','c9d26ae54dc340e2b7e60813ff39a081e80d847ddec7c7dfffdcdd0630825c00');
INSERT INTO "audit" VALUES(13,1795000780.0,'platform_changed','{"incident": "", "now": "recovering", "platform": "facebook", "reason": "api says it answers; crowd says no reports", "turn": "nothing", "was": "down"}','f154f578f28835f313a57c79575c240b5a3a92899e364806b2c95fda5b67b9ed');
INSERT INTO "audit" VALUES(14,1795001680.0,'platform_changed','{"incident": "1", "now": "up", "platform": "facebook", "reason": "well for 15m: api says it answers; crowd says no reports", "turn": "closed", "was": "recovering"}','da652ca4aa225f03f94b8a4834e6abef799a016e410fb8eb6f5995737056e7b5');
INSERT INTO "audit" VALUES(15,1795001680.0,'delivery_attempted','{"attempt": 1, "delivery": "1W-telegram", "text": "welcome_back: facebook; see email, blog (F1W-181114)"}','a607d8c6b088e3cd5446c11718f40f0fadd26ef3dcf56caff84d60d5821fce8e');
INSERT INTO "audit" VALUES(16,1795001680.0,'delivery_sent','{"delivery": "1W-telegram", "phase": "sent", "reason": "", "remote_id": "remote F1W-181114", "url": "https://example.org/1"}','8f548e680aa5aa2e84b368b126713cfde644e22510d972252eedabe409c89794');
INSERT INTO "audit" VALUES(17,1795001680.0,'delivery_attempted','{"attempt": 1, "delivery": "1W-email", "text": "welcome_back: facebook; see telegram, blog (F1W-181114)"}','6579d0b84f78e3a1ab1fea7447a66c85bf06afcba0565dfc32e9b4069caccaa8');
INSERT INTO "audit" VALUES(18,1795001680.0,'delivery_sent','{"delivery": "1W-email", "phase": "sent", "reason": "", "remote_id": "remote F1W-181114", "url": "https://example.org/1"}','06291686bbd8bab9fa36cd25c05d47339de1bc803ddf943d87788207025e48b2');
INSERT INTO "audit" VALUES(19,1795001680.0,'delivery_attempted','{"attempt": 1, "delivery": "1W-facebook-page", "text": "welcome_back: facebook; see telegram, email, blog (F1W-181114)"}','a12abab6d4071151f80c7dcc2d91611818e4286e5ec58f5d7494620cfa6586a8');
INSERT INTO "audit" VALUES(20,1795001680.0,'delivery_sent','{"delivery": "1W-facebook-page", "phase": "sent", "reason": "", "remote_id": "remote F1W-181114", "url": "https://example.org/1"}','d6c36c330cf7470fe0cbb2778258af7ceecd24006e81d6a98934cdb67e0bb54c');
INSERT INTO "audit" VALUES(21,1795001680.0,'delivery_resolved','{"answer": "public", "by": "ann", "delivery": "1H-blog"}','9a7cef9314625be6562a8df9d9123e5b16f9b105576dd9f3da5444947110b3eb');
INSERT INTO "audit" VALUES(22,1795001710.0,'delivery_attempted','{"attempt": 1, "delivery": "1W-blog", "text": "welcome_back: facebook; see telegram, email (F1W-181114)"}','031382ed5e5c6bea4c03e37b2808f5fb7bce389e512b08784f98ed4699ce4cbc');
INSERT INTO "audit" VALUES(23,1795001710.0,'delivery_sent','{"delivery": "1W-blog", "phase": "sent", "reason": "", "remote_id": "remote F1W-181114", "url": "https://example.org/1"}','6a451ecf496e519b71b5613fcdd72b22268b4a0814f719534afd26c2487244c5');
INSERT INTO "audit" VALUES(24,1795009210.0,'platform_changed','{"incident": "", "now": "suspect", "platform": "instagram", "reason": "only spoken so far: api says HTTP 503", "turn": "nothing", "was": "unknown"}','8c1539e479be7842109789c744e3e4ed6447bcf94aad8f614e49b63dfadc7350');
INSERT INTO "audit" VALUES(25,1795009360.0,'platform_changed','{"incident": "2", "now": "down", "platform": "instagram", "reason": "crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503", "turn": "opened", "was": "suspect"}','8edc9ef06b4df9cf9ab613729b25da8cee0b60157840b49f6cba3a4f468b9977');
INSERT INTO "audit" VALUES(26,1795009390.0,'platform_changed','{"incident": "", "now": "unknown", "platform": "facebook", "reason": "no source can tell at the moment", "turn": "nothing", "was": "up"}','94e4ca6874236b8b482a9d2fb698537c60939ceae2ef72fa9bca07906afbc97a');
INSERT INTO "audit" VALUES(27,1795009390.0,'delivery_attempted','{"attempt": 1, "delivery": "2H-telegram", "text": "again: instagram; see email, blog (F2H-181342)"}','9e07f86f3848b1a1948aa8755164d1c49743f2e94613b149278295c9c1bf2d49');
INSERT INTO "audit" VALUES(28,1795009390.0,'delivery_unsure','{"delivery": "2H-telegram", "phase": "unsure", "reason": "no answer"}','70820abda0a6049f23993510eb051e618b90c337d3f9203ca54f3f8a16f60a4c');
INSERT INTO "audit" VALUES(29,1795009390.0,'delivery_attempted','{"attempt": 1, "delivery": "2H-email", "text": "again: instagram; see telegram, blog (F2H-181342)"}','b61ec622ed49fc548b8e09be0999a448c517ff8a4f217a0072dfbfe784c2e99e');
INSERT INTO "audit" VALUES(30,1795009390.0,'delivery_refused','{"delivery": "2H-email", "phase": "refused", "reason": "no permission"}','9298c87c3a228c55ad742c21b47418438b9f039cc0499f43dfbc6b5504c059c6');
INSERT INTO "audit" VALUES(31,1795009390.0,'delivery_attempted','{"attempt": 1, "delivery": "2H-blog", "text": "again: instagram; see telegram, email (F2H-181342)"}','870c5b412e1111089d6a98521498c3d622e33922de1ac702040f22a33484e11f');
INSERT INTO "audit" VALUES(32,1795009390.0,'delivery_sent','{"delivery": "2H-blog", "phase": "sent", "reason": "", "remote_id": "remote F2H-181342", "url": "https://example.org/1"}','ba2e6f47c428220c6140ed241c4482482cbd6a9f037db5715d36cbad2ddc8ed6');
INSERT INTO "audit" VALUES(33,1795009480.0,'operator_declared','{"because": "our own eyes: ‘nichts geht’", "by": "ann", "platform": "x", "state": "down"}','ba73d99f261816c47cfcb638f4ad0818ba9bc3715e42011258d4d06ebca0afe6');
INSERT INTO "audit" VALUES(34,1795009480.0,'platform_changed','{"incident": "3", "now": "down", "platform": "x", "reason": "ann declared it down: our own eyes: ‘nichts geht’", "turn": "opened", "was": "unknown"}','f9596d9a548490c0513154605c53ee7a422a3c5ba287df9ca2e868c2b56466a8');
INSERT INTO "audit" VALUES(35,1795009480.0,'statement_vetoed','{"because": "we know better", "by": "bob", "statement": "3H"}','3bd5e560310a6cf500ea2aa8f1eeb03af03c187f4d4ce1b5c005e8538aea74bc');
INSERT INTO "audit" VALUES(36,1795009480.0,'paused','{"because": "a funeral", "by": "bob"}','5c04beb67bec11d8ed4a2b7c040c23dc80d88958c7bfc2ef0f2e4e30db9586a4');
CREATE TABLE declaration (
        platform TEXT PRIMARY KEY, signal TEXT NOT NULL, at REAL NOT NULL, by TEXT NOT NULL, because TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "declaration" VALUES('x','down',1795009480.0,'ann','our own eyes: ‘nichts geht’');
CREATE TABLE delivery (
        id TEXT PRIMARY KEY, incident TEXT NOT NULL, statement_id TEXT NOT NULL, statement TEXT NOT NULL,
        channel TEXT NOT NULL, phase TEXT NOT NULL, due REAL NOT NULL, latest REAL NOT NULL, created_at REAL NOT NULL,
        reference TEXT NOT NULL, text TEXT NOT NULL, subject TEXT NOT NULL, platforms TEXT NOT NULL,
        position INTEGER NOT NULL, attempts INTEGER NOT NULL, looks INTEGER NOT NULL, began REAL NOT NULL,
        unsure_since REAL NOT NULL, ended_at REAL NOT NULL, draft TEXT, receipt TEXT, reason TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        UNIQUE (statement_id, channel)
    ) WITHOUT ROWID;
INSERT INTO "delivery" VALUES('1H-blog','1','1H','holding','blog','sent',1795000482.0,1795001680.0,1795000480.0,'F1H-181114','holding: facebook; see telegram, email (F1H-181114)','','["facebook"]',2,1,0,1795000480.0,1795000480.0,1795001680.0,'draft 17','{"remote_id": "draft 17", "url": "", "note": "seen by ann"}','ann saw it',0);
INSERT INTO "delivery" VALUES('1H-email','1','1H','holding','email','sent',1795000480.0,1795002280.0,1795000480.0,'F1H-181114','holding: facebook; see telegram, blog (F1H-181114)','','["facebook"]',1,1,0,1795000480.0,0.0,1795000480.0,NULL,'{"remote_id": "remote F1H-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('1H-telegram','1','1H','holding','telegram','sent',1795000480.0,1795002280.0,1795000480.0,'F1H-181114','holding: facebook; see email, blog (F1H-181114)','','["facebook"]',0,1,0,1795000480.0,0.0,1795000480.0,NULL,'{"remote_id": "remote F1H-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('1W-blog','1','1W','welcome_back','blog','sent',1795001680.0,1795044880.0,1795001710.0,'F1W-181114','welcome_back: facebook; see telegram, email (F1W-181114)','','["facebook"]',0,1,0,1795001710.0,0.0,1795001710.0,NULL,'{"remote_id": "remote F1W-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('1W-email','1','1W','welcome_back','email','sent',1795001680.0,1795044880.0,1795001680.0,'F1W-181114','welcome_back: facebook; see telegram, blog (F1W-181114)','','["facebook"]',1,1,0,1795001680.0,0.0,1795001680.0,NULL,'{"remote_id": "remote F1W-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('1W-facebook-page','1','1W','welcome_back','facebook-page','sent',1795001680.0,1795044880.0,1795001680.0,'F1W-181114','welcome_back: facebook; see telegram, email, blog (F1W-181114)','','["facebook"]',2,1,0,1795001680.0,0.0,1795001680.0,NULL,'{"remote_id": "remote F1W-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('1W-telegram','1','1W','welcome_back','telegram','sent',1795001680.0,1795044880.0,1795001680.0,'F1W-181114','welcome_back: facebook; see email, blog (F1W-181114)','','["facebook"]',0,1,0,1795001680.0,0.0,1795001680.0,NULL,'{"remote_id": "remote F1W-181114", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('2H-blog','2','2H','again','blog','sent',1795009360.0,1795011160.0,1795009360.0,'F2H-181342','again: instagram; see telegram, email (F2H-181342)','','["instagram"]',2,1,0,1795009390.0,0.0,1795009390.0,NULL,'{"remote_id": "remote F2H-181342", "url": "https://example.org/1", "note": ""}','',0);
INSERT INTO "delivery" VALUES('2H-email','2','2H','again','email','refused',1795009360.0,1795011160.0,1795009360.0,'F2H-181342','again: instagram; see telegram, blog (F2H-181342)','','["instagram"]',1,1,0,1795009390.0,0.0,1795009390.0,NULL,NULL,'no permission',0);
INSERT INTO "delivery" VALUES('2H-telegram','2','2H','again','telegram','unsure',1795009488.0,1795011160.0,1795009360.0,'F2H-181342','again: instagram; see email, blog (F2H-181342)','','["instagram"]',0,1,3,1795009390.0,1795009390.0,0.0,NULL,NULL,'the read-back failed',0);
INSERT INTO "delivery" VALUES('3H-blog','3','3H','holding','blog','cancelled',1795009480.0,1795011280.0,1795009480.0,'F3H-181344','holding: x; see telegram (F3H-181344)','','["x"]',1,0,0,0.0,0.0,1795009480.0,NULL,NULL,'bob objected: we know better',0);
INSERT INTO "delivery" VALUES('3H-telegram','3','3H','holding','telegram','cancelled',1795009480.0,1795011280.0,1795009480.0,'F3H-181344','holding: x; see blog (F3H-181344)','','["x"]',0,0,0,0.0,0.0,1795009480.0,NULL,NULL,'bob objected: we know better',0);
CREATE TABLE incident (
        id TEXT PRIMARY KEY, grp TEXT NOT NULL, platforms TEXT NOT NULL, down TEXT NOT NULL, opened_at REAL NOT NULL,
        closed_at REAL, ordinal INTEGER NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "incident" VALUES('1','meta','["facebook"]','[]',1795000480.0,1795001680.0,1,'crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503');
INSERT INTO "incident" VALUES('2','meta','["instagram"]','["instagram"]',1795009360.0,NULL,2,'crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503');
INSERT INTO "incident" VALUES('3','x','["x"]','["x"]',1795009480.0,NULL,1,'ann declared it down: our own eyes: ‘nichts geht’');
CREATE TABLE ledger (
        delivery TEXT NOT NULL, recipient TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (delivery, recipient)
    ) WITHOUT ROWID;
INSERT INTO "ledger" VALUES('1H-email','one@example.org','heard');
INSERT INTO "ledger" VALUES('1H-email','zwei@example.org','refused');
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('last_incident','3');
INSERT INTO "meta" VALUES('paused_by','bob');
CREATE TABLE observation (
        id INTEGER PRIMARY KEY, platform TEXT NOT NULL, probe TEXT NOT NULL, at REAL NOT NULL, signal TEXT NOT NULL,
        evidence TEXT NOT NULL, fault TEXT, reason TEXT NOT NULL, detail TEXT NOT NULL, took REAL NOT NULL,
        node TEXT NOT NULL
    );
INSERT INTO "observation" VALUES(1,'facebook','api',1795000030.0,'up','spoken',NULL,'it answers','',0.0,'here');
INSERT INTO "observation" VALUES(2,'facebook','crowd',1795000030.0,'up','crowd',NULL,'no reports','',0.0,'here');
INSERT INTO "observation" VALUES(3,'instagram','api',1795000030.0,'up','spoken',NULL,'it answers','',0.0,'here');
INSERT INTO "observation" VALUES(4,'instagram','crowd',1795000030.0,'up','crowd',NULL,'no reports','',0.0,'here');
INSERT INTO "observation" VALUES(5,'facebook','api',1795000330.0,'down','spoken','platform','HTTP 503','',0.0,'here');
INSERT INTO "observation" VALUES(6,'facebook','crowd',1795000330.0,'down','crowd','platform','many reports','',0.0,'here');
INSERT INTO "observation" VALUES(7,'facebook','api',1795000780.0,'up','spoken',NULL,'it answers','',0.0,'here');
INSERT INTO "observation" VALUES(8,'facebook','crowd',1795000780.0,'up','crowd',NULL,'no reports','',0.0,'here');
INSERT INTO "observation" VALUES(9,'instagram','api',1795009210.0,'down','spoken','platform','HTTP 503','',0.0,'here');
INSERT INTO "observation" VALUES(10,'instagram','crowd',1795009210.0,'down','crowd','platform','many reports','',0.0,'here');
CREATE TABLE standing (
        platform TEXT PRIMARY KEY, state TEXT NOT NULL, since REAL NOT NULL, reason TEXT NOT NULL, voted TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "standing" VALUES('facebook','unknown',1795009390.0,'no source can tell at the moment','{}');
INSERT INTO "standing" VALUES('instagram','down',1795009360.0,'crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503','{"spoken": 1795009360.0, "crowd": 1795009360.0}');
INSERT INTO "standing" VALUES('x','down',1795009480.0,'ann declared it down: our own eyes: ‘nichts geht’','{"operator": 1795009480.0}');
CREATE TABLE statement (
        id TEXT PRIMARY KEY, incident TEXT NOT NULL, kind TEXT NOT NULL, created_at REAL NOT NULL,
        latest REAL NOT NULL, reference TEXT NOT NULL, mode TEXT NOT NULL, release_at REAL,
        decided_by TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "statement" VALUES('1H','1','holding',1795000480.0,1795002280.0,'F1H-181114','automatic',1795000480.0,'','','');
INSERT INTO "statement" VALUES('1W','1','welcome_back',1795001680.0,1795044880.0,'F1W-181114','automatic',1795001680.0,'','','');
INSERT INTO "statement" VALUES('2H','2','again',1795009360.0,1795011160.0,'F2H-181342','automatic',1795009360.0,'','','');
INSERT INTO "statement" VALUES('3H','3','holding',1795009480.0,1795011280.0,'F3H-181344','automatic',1795009480.0,'bob','vetoed','we know better');
CREATE TABLE transition (
        id INTEGER PRIMARY KEY, platform TEXT NOT NULL, at REAL NOT NULL, was TEXT NOT NULL, now TEXT NOT NULL,
        reason TEXT NOT NULL, evidence TEXT NOT NULL
    );
INSERT INTO "transition" VALUES(1,'facebook',1795000030.0,'unknown','up','api says it answers','[{"platform": "facebook", "probe": "api", "at": 1795000030.0, "signal": "up", "evidence": "spoken", "fault": null, "reason": "it answers", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(2,'instagram',1795000030.0,'unknown','up','api says it answers','[{"platform": "instagram", "probe": "api", "at": 1795000030.0, "signal": "up", "evidence": "spoken", "fault": null, "reason": "it answers", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(3,'facebook',1795000330.0,'up','suspect','only spoken so far: api says HTTP 503','[{"platform": "facebook", "probe": "api", "at": 1795000330.0, "signal": "down", "evidence": "spoken", "fault": "platform", "reason": "HTTP 503", "detail": "", "took": 0.0, "node": "here"}, {"platform": "facebook", "probe": "crowd", "at": 1795000300.0, "signal": "up", "evidence": "crowd", "fault": null, "reason": "no reports", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(4,'facebook',1795000480.0,'suspect','down','crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503','[{"platform": "facebook", "probe": "api", "at": 1795000480.0, "signal": "down", "evidence": "spoken", "fault": "platform", "reason": "HTTP 503", "detail": "", "took": 0.0, "node": "here"}, {"platform": "facebook", "probe": "crowd", "at": 1795000450.0, "signal": "down", "evidence": "crowd", "fault": "platform", "reason": "many reports", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(5,'instagram',1795000510.0,'up','unknown','no source can tell at the moment','[]');
INSERT INTO "transition" VALUES(6,'facebook',1795000780.0,'down','recovering','api says it answers; crowd says no reports','[{"platform": "facebook", "probe": "api", "at": 1795000780.0, "signal": "up", "evidence": "spoken", "fault": null, "reason": "it answers", "detail": "", "took": 0.0, "node": "here"}, {"platform": "facebook", "probe": "crowd", "at": 1795000780.0, "signal": "up", "evidence": "crowd", "fault": null, "reason": "no reports", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(7,'facebook',1795001680.0,'recovering','up','well for 15m: api says it answers; crowd says no reports','[{"platform": "facebook", "probe": "api", "at": 1795001680.0, "signal": "up", "evidence": "spoken", "fault": null, "reason": "it answers", "detail": "", "took": 0.0, "node": "here"}, {"platform": "facebook", "probe": "crowd", "at": 1795001620.0, "signal": "up", "evidence": "crowd", "fault": null, "reason": "no reports", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(8,'instagram',1795009210.0,'unknown','suspect','only spoken so far: api says HTTP 503','[{"platform": "instagram", "probe": "api", "at": 1795009210.0, "signal": "down", "evidence": "spoken", "fault": "platform", "reason": "HTTP 503", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(9,'instagram',1795009360.0,'suspect','down','crowd and spoken agree for 2m: crowd says many reports; api says HTTP 503','[{"platform": "instagram", "probe": "api", "at": 1795009360.0, "signal": "down", "evidence": "spoken", "fault": "platform", "reason": "HTTP 503", "detail": "", "took": 0.0, "node": "here"}, {"platform": "instagram", "probe": "crowd", "at": 1795009330.0, "signal": "down", "evidence": "crowd", "fault": "platform", "reason": "many reports", "detail": "", "took": 0.0, "node": "here"}]');
INSERT INTO "transition" VALUES(10,'facebook',1795009390.0,'up','unknown','no source can tell at the moment','[]');
INSERT INTO "transition" VALUES(11,'x',1795009480.0,'unknown','down','ann declared it down: our own eyes: ‘nichts geht’','[]');
CREATE INDEX observation_at ON observation (at);
CREATE INDEX transition_at ON transition (at);
CREATE INDEX delivery_phase ON delivery (phase, due);
CREATE INDEX delivery_incident ON delivery (incident);
COMMIT;
