-- One row per transaction instead of one per message. What waits is carried over, timeout messages in their new version.
ALTER TABLE "outbox" ADD COLUMN "size" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "outbox" ADD COLUMN "messages" JSON NOT NULL DEFAULT '[]';

UPDATE "outbox" SET "messages" = json_build_array(json_build_object('destination', "destination", 'message',
  CASE "destination" WHEN 'timeouts' THEN json_build_object('v', 2, 'orderIds', json_build_array("body" -> 'orderId')) ELSE "body"::json END));

ALTER TABLE "outbox" ALTER COLUMN "size" DROP DEFAULT;
ALTER TABLE "outbox" ALTER COLUMN "messages" DROP DEFAULT;
ALTER TABLE "outbox" DROP COLUMN "destination", DROP COLUMN "message_id", DROP COLUMN "body";

-- An entry without messages would be work for nobody, and the audit counts by size.
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_size" CHECK ("size" > 0);
