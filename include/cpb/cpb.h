// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Everything of libcpb. */
#ifndef CPB_CPB_H
#define CPB_CPB_H

#include <cpb/base.h>
#include <cpb/check.h>
#include <cpb/cost.h>
#include <cpb/exchange.h>
#include <cpb/mask.h>
#include <cpb/order.h>
#include <cpb/plan.h>
#include <cpb/planner.h>
#include <cpb/schedule.h>
#include <cpb/score.h>
#include <cpb/shard.h>

#endif
