-- AlterTable
ALTER TABLE "subscriptions" DROP COLUMN "spread";

-- AlterTable
ALTER TABLE "subscriber_processes" DROP COLUMN "spread";

-- DropEnum
DROP TYPE "spread_stage";
